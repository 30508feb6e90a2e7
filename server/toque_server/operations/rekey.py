"""Sealing every data key anew after the master key changed: a little at a time, resumable, online (S12)."""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import OperationalError

from toque_server.operations.context import Services
from toque_server.security.envelope import CannotOpen
from toque_server.security.keys import FORMER, BadKeys
from toque_server.store.data_keys import DataKeys
from toque_server.store.database import DiskFull

log = logging.getLogger(__name__)

_AT_ONCE = 100
LOOK_EVERY = 2.0
"""Seconds between two looks for a rekey that somebody began."""


def rewrap_all(services: Services) -> int:
    """Rewrap every data key that is not yet under the present master key; how many. Raises CannotOpen."""
    services.vault.reload()
    store, done = DataKeys(services.database), 0
    while left := store.not_under(services.vault.master, _AT_ONCE):
        for scope, wrapped, master in left:
            done += store.replace(scope, wrapped, *services.vault.rewrap(scope, wrapped, master))
    return done


def remaining(services: Services) -> int:
    """How many data keys, of a hundred at most, are still under another master key."""
    services.vault.reload()
    return len(DataKeys(services.database).not_under(services.vault.master, _AT_ONCE))


class Rekeying:
    """The server's share of `toque server rekey`: it sees the new key's file, and does the work in its own process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, name="rekeying", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _look(self) -> None:
        former = self._services.settings.data_dir / "keys" / FORMER
        while not self._stopping.wait(LOOK_EVERY):
            if not former.exists():
                continue
            try:
                if count := rewrap_all(self._services):
                    log.info("sealed %d data keys anew under the new master key", count)
            except (BadKeys, CannotOpen, OperationalError, DiskFull) as error:
                log.error("cannot seal the data keys anew, will try again: %s", error)
