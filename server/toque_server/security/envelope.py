"""Secrets at rest: each scope has a data key, each value is bound to its place (S12).

AES-256-GCM. The associated data is table, row, column and version of the format, so a value moved to another row or
column does not open. A data key is itself sealed under the master key, which never stands in the database: changing
the master key rewraps data keys and touches no value.

    vault = Vault(master, DataKeys(database))
    sealed = vault.seal(b"s3cret", table="apps", row=app_id, column="sealed", scope=stack_id)
    vault.open(sealed, table="apps", row=app_id, column="sealed", scope=stack_id)
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT = b"\x01"
_NONCE = 12


class CannotOpen(Exception):
    """A sealed value does not open: the wrong master key, a value moved from another place, or damage."""


class WrappedKeys(Protocol):
    """Where wrapped data keys, each with its master's fingerprint, are kept: `store.data_keys.DataKeys`."""

    def find(self, scope: str) -> tuple[bytes, str] | None: ...

    def add(self, scope: str, wrapped: bytes, master: str) -> tuple[bytes, str]:
        """Keep it, unless the scope has one already; what the scope then has."""

    def settled(self, follow: Callable[[], None]) -> None:
        """Call `follow` once what was read or written here is committed."""


def fingerprint_of(master: bytes) -> str:
    """Tells master keys apart without telling them."""
    return hashlib.sha256(b"toque master " + master).hexdigest()[:32]


class Vault:
    """Seals and opens values.

    `masters`: reads the master keys anew, the present one first and after it the one before, while a rekey is under
    way. It is asked when a data key is found under a master that is not known here: another process began a rekey.
    """

    def __init__(
        self, master: bytes, keys: WrappedKeys, *, masters: Callable[[], Sequence[bytes]] | None = None
    ) -> None:
        self._keys = keys
        self._read_masters = masters
        self._data_keys: dict[str, AESGCM] = {}
        self._lock = threading.Lock()
        self._take_masters([master])

    @property
    def master(self) -> str:
        """The fingerprint of the present master key."""
        return self._master

    def reload(self) -> None:
        """Read the master keys anew."""
        if self._read_masters is not None:
            self._take_masters(self._read_masters())

    def _take_masters(self, masters: Sequence[bytes]) -> None:
        self._masters = {fingerprint_of(one): AESGCM(one) for one in masters}
        self._master = fingerprint_of(masters[0])

    def seal(self, plaintext: bytes, *, table: str, row: str, column: str, scope: str) -> bytes:
        """The value, for this place only. `scope` is the stack's id, or `installation` for what belongs to no stack."""
        nonce = os.urandom(_NONCE)
        return _FORMAT + nonce + self._data_key(scope, make=True).encrypt(nonce, plaintext, _place(table, row, column))

    def open(self, sealed: bytes, *, table: str, row: str, column: str, scope: str) -> bytes:
        """What was sealed for this place. Raises CannotOpen."""
        if sealed[:1] != _FORMAT:
            raise CannotOpen(f"{table} {row}, {column}: written by a newer server")
        nonce, body = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._data_key(scope).decrypt(nonce, body, _place(table, row, column))
        except InvalidTag:
            raise CannotOpen(f"{table} {row}, {column}: sealed for another place, or damaged") from None

    def rewrap(self, scope: str, wrapped: bytes, master: str) -> tuple[bytes, str]:
        """A data key under the present master key, for a rekey."""
        nonce = os.urandom(_NONCE)
        plain = self._unwrap(scope, wrapped, master)
        return nonce + self._masters[self._master].encrypt(nonce, plain, _wrapping(scope)), self._master

    def _data_key(self, scope: str, *, make: bool = False) -> AESGCM:
        with self._lock:
            if (known := self._data_keys.get(scope)) is not None:
                return known
        found = self._keys.find(scope)
        if found is None and not make:
            raise CannotOpen(f"{scope} has no data key: its secrets were deleted with it")
        if found is None:
            nonce, fresh = os.urandom(_NONCE), AESGCM.generate_key(256)
            wrapped = nonce + self._masters[self._master].encrypt(nonce, fresh, _wrapping(scope))
            found = self._keys.add(scope, wrapped, self._master)
        key = AESGCM(self._unwrap(scope, *found))
        # A key whose row is rolled back must not be used again, so it is remembered only once it is committed.
        self._keys.settled(lambda: self._remember(scope, key))
        return key

    def _remember(self, scope: str, key: AESGCM) -> None:
        with self._lock:
            self._data_keys[scope] = key

    def _unwrap(self, scope: str, wrapped: bytes, master: str) -> bytes:
        if master not in self._masters:
            self.reload()
        if (cipher := self._masters.get(master)) is None:
            raise CannotOpen(f"the data key of {scope} needs master key {master}, and this server has {self._master}")
        try:
            return cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _wrapping(scope))
        except InvalidTag:
            raise CannotOpen(f"the data key of {scope} is damaged, or was moved from another scope") from None


def _place(table: str, row: str, column: str) -> bytes:
    return b"\0".join([_FORMAT, table.encode(), row.encode(), column.encode()])


def _wrapping(scope: str) -> bytes:
    return b"data key\0" + scope.encode()
