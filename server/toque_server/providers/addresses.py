"""Addresses of sandboxes: one per instance, on the shared loopback (127.0.0.0/8) or on a bridge (10.0.0.0/8)."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_FIRST_NET, _LAST_NET = 64, 253
_HOSTS = 253 * 253


class NoAddressLeft(Exception):
    """All addresses of this installation are in use."""


def choose(installation: str, instance_id: str, taken: Collection[str], *, begin: int = 127) -> str:
    """An address for an instance: where its name points to, or the next free one after that.

    `begin` is its first byte.

    The second byte comes from the installation, so that two installations on one host rarely meet; the last two from
    the instance. Neither is ever 0 or 255.
    """
    net = _FIRST_NET + _number(installation) % (_LAST_NET - _FIRST_NET + 1)
    first = _number(f"{installation}/{instance_id}")
    for step in range(_HOSTS):
        third, fourth = divmod((first + step) % _HOSTS, 253)
        address = f"{begin}.{net}.{third + 1}.{fourth + 1}"
        if address not in taken:
            return address
    raise NoAddressLeft(f"all {_HOSTS} addresses of {begin}.{net}.0.0/16 are in use")


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class AddressBook:
    """Which instance has which address, in a file that several processes may use at once."""

    def __init__(self, path: Path, installation: str, *, begin: int = 127) -> None:
        self._path, self._installation, self._begin = path, installation, begin

    def address_of(self, instance_id: str) -> str:
        """The instance's address; a new one is chosen and remembered the first time."""
        with self._locked():
            known = self._read()
            if instance_id not in known:
                known[instance_id] = choose(self._installation, instance_id, set(known.values()), begin=self._begin)
                self._write(known)
            return known[instance_id]

    def forget(self, instance_id: str) -> None:
        """The instance is no more; its address may be given away."""
        with self._locked():
            known = self._read()
            if known.pop(instance_id, None) is not None:
                self._write(known)

    def _read(self) -> dict[str, str]:
        try:
            known: dict[str, str] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return known

    def _write(self, known: Mapping[str, str]) -> None:
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps(known, indent=0, sort_keys=True))
        beside.rename(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
