"""Which authorities a machine trusts: where its store takes more from, and what brings it up to date.

A new kind is a `Store` in `_STORES`.
"""

from __future__ import annotations

from dataclasses import dataclass

from toque.core import Host, ToqueError
from toque.platforms.trust.debian import DEBIAN
from toque.platforms.trust.red_hat import RED_HAT
from toque.platforms.trust.store import Store


class NoStore(ToqueError):
    def __init__(self) -> None:
        looked = " or ".join(store.update[0] for store in _STORES)
        super().__init__(f'this machine has no store of authorities: there is no {looked}; package("ca-certificates")')


_STORES = (DEBIAN, RED_HAT)


def store_of(host: Host) -> Store | None:
    """The store of this machine; None where there is none."""
    return next((store for store in _STORES if host.which(store.update[0]) is not None), None)


@dataclass(frozen=True)
class Trust:
    """The store, on a machine."""

    host: Host
    store: Store

    def anchor(self, name: str) -> str:
        return f"{self.store.folder}/{name}{self.store.suffix}"

    def bundle(self) -> bytes:
        """All certificates that programs trust."""
        return self.host.read(self.store.bundle) or b""

    def add(self, name: str, content: bytes) -> None:
        if self.host.entry(self.store.folder) is None:
            self.host.make_directory(self.store.folder, mode=0o755, parents=True)
        self.host.write(self.anchor(name), content, mode=0o644)
        self.host.run(self.store.update)

    def remove(self, name: str) -> None:
        self.host.remove(self.anchor(name))
        self.host.run(self.store.update_after_removal)
