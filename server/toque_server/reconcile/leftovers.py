"""The leftovers loop: machines whose instance was deleted are terminated, however often that has to be asked for."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Executor

from toque_server.providers import Machine, MachineState, ProviderError
from toque_server.reconcile.leadership import Leadership, NotLeading
from toque_server.reconcile.services import Providers
from toque_server.store import leftovers
from toque_server.store.database import Database
from toque_server.store.leftovers import Leftover

log = logging.getLogger(__name__)


class Sweeper:
    """Provider calls happen on `executor`, one sweep at a time; what fails is tried again in the next."""

    def __init__(self, database: Database, leadership: Leadership, providers: Providers, executor: Executor) -> None:
        self._database = database
        self._leadership = leadership
        self._providers = providers
        self._executor = executor
        self._sweeping = threading.Lock()

    def tick(self) -> bool:
        """Begin a sweep, unless there is nothing to do or one is under way. Whether there is something to do."""
        with self._database.read() as conn:
            found = leftovers.every(conn)
        if found and self._sweeping.acquire(blocking=False):
            self._executor.submit(self._sweep, found)
        return bool(found)

    def _sweep(self, found: list[Leftover]) -> None:
        try:
            for each in found:
                if self._is_gone(each):
                    with self._leadership.write() as conn:
                        leftovers.remove(conn, each.instance.id)
        except NotLeading:
            return
        finally:
            self._sweeping.release()

    def _is_gone(self, leftover: Leftover) -> bool:
        machine_id = leftover.instance.machine_id
        if machine_id is None:
            return True
        try:
            provider = self._providers(leftover.region)
            if not _is_listed(provider.describe([machine_id]).get(machine_id)):
                return True
            provider.terminate(machine_id)
            return not _is_listed(provider.describe([machine_id]).get(machine_id))
        except ProviderError as error:
            log.warning("machine %s of a deleted instance is not terminated yet: %s", machine_id, error)
            return False


def _is_listed(machine: Machine | None) -> bool:
    return machine is not None and machine.state is not MachineState.TERMINATED
