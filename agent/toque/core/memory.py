"""What resources were last asked to be: so that a change can be told as drift or as intended, and flapping be seen.

The agent keeps one file, written once at the end of a run: of each resource a digest of its desired state, and in how
many runs in a row it changed. Names and states are digested with a key of this node, so the file tells nobody what was
in them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from toque.core.resource import DRIFT, INTENDED

FLAPPING = 3
"""Changed in so many runs in a row, with the same desired state each time: something undoes it again and again."""
MOST = 20_000
"""Resources that are remembered: those that were declared last."""
_KEY_BYTES = 32


class Memory:
    """The file of a node, and what this run adds to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = b""
        self._known: dict[str, list[Any]] = {}
        self._noted: dict[str, tuple[str, bool]] = {}
        self.settled: list[str] = []
        """What flapped up to the last run, and in this one did not."""
        try:
            found = json.loads(path.read_bytes())
            self._known = {name: [str(each[0]), int(each[1])] for name, each in found.items()}
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            pass  # none yet, or none that could be read: what changes now counts as intended

    def note(self, name: str, want: Any, *, changed: bool) -> tuple[str, bool]:
        """A resource with its desired state. For one that changed: why, and whether it flaps."""
        key = self._digest(name)
        while key in self._noted:
            key += "'"  # declared once more in this run
        digest = self._digest(want)
        self._noted[key] = (digest, changed)
        former, streak = self._known.get(key, ("", 0))
        if streak >= FLAPPING and not (changed and former == digest):
            self.settled.append(name)
        if not changed:
            return "", False
        return (DRIFT, streak + 1 >= FLAPPING) if former == digest else (INTENDED, False)

    def save(self) -> None:
        """Write the file anew. Raises OSError."""
        for key, (digest, changed) in self._noted.items():
            former, streak = self._known.pop(key, ("", 0))
            self._known[key] = [digest, (streak + 1 if former == digest else 1) if changed else 0]
        self._noted.clear()
        for key in list(self._known)[:-MOST]:
            del self._known[key]
        _replace(self._path, json.dumps(self._known, separators=(",", ":")).encode())

    def _digest(self, value: Any) -> str:
        from hashlib import blake2b

        self._key = self._key or self._read_key()
        return blake2b(_canonical(value), key=self._key, digest_size=12).hexdigest()

    def _read_key(self) -> bytes:
        """The key of this node, made when it is first needed; with another one, nothing that was remembered holds."""
        path = self._path.with_suffix(".key")
        try:
            key = path.read_bytes()
        except OSError:
            key = b""
        if len(key) != _KEY_BYTES:
            key = os.urandom(_KEY_BYTES)
            try:
                _replace(path, key)
            except OSError:
                pass  # a full disk, say: this run cannot be remembered, and goes on all the same (R12)
        return key


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
    beside.rename(path)


def _canonical(value: Any) -> bytes:
    """The same bytes for the same value in every process; a secret counts with its value."""
    match value:
        case bytes():
            return b"b%d:%b" % (len(value), value)
        case str():
            return _canonical(str.encode(value, errors="surrogatepass")).replace(b"b", b"s", 1)
        case list() | tuple():
            return b"[%b]" % b",".join(map(_canonical, value))
        case Mapping():
            pairs = sorted((_canonical(key), _canonical(each)) for key, each in value.items())
            return b"{%b}" % b",".join(b"%b=%b" % pair for pair in pairs)
        case set() | frozenset():
            return b"<%b>" % b",".join(sorted(map(_canonical, value)))
    if is_dataclass(value) and not isinstance(value, type):
        return _canonical([getattr(value, each.name) for each in fields(value) if each.compare])
    return repr(value).encode()
