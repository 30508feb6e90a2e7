"""The engine: one thread per server process that keeps every loop turning while this process leads (R19).

A turn reads, decides and applies; it may be cut off at any line, for the next one begins from what the database says.
Calls to providers happen in threads beside it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime

from toque_server.domain.actions import Action, Order
from toque_server.domain.consequences import Made, Refused, after_order
from toque_server.domain.guards import Clock
from toque_server.domain.instance import Instance
from toque_server.providers import LaunchOrder, Provider, ProviderError
from toque_server.reconcile import configure, disks, expiry, lifecycle, retention
from toque_server.reconcile.calls import Calls
from toque_server.reconcile.desk import Desk
from toque_server.reconcile.healing import Healer
from toque_server.reconcile.leadership import Leadership, NotLeading
from toque_server.reconcile.leftovers import Sweeper
from toque_server.reconcile.services import Providers, Services
from toque_server.store import instances, stacks
from toque_server.store.database import Database

log = logging.getLogger(__name__)

_IDLE = 1.0
"""Seconds between two turns when nothing is on its way and nothing woke us."""
_BUSY = 0.1
_LEAST_GAP = 0.02
_EXPIRY_EVERY = 1.0
_LEFTOVERS_EVERY = 1.0
_RETENTION_EVERY = 3600.0
_CALLERS = 16
_TRIES = 5


class Engine:
    """Keeps instances, commands and heals going.

        engine = Engine(database, settings, partial(provider_for, settings=settings), services)
        engine.start()
        ...
        engine.stop()

    `wake()` may be called from any thread, and shortens a wait. `turn()` takes one turn in the calling thread; tests
    drive it by hand, with an `executor` that runs at once and a `steady` clock of their own.
    """

    def __init__(
        self,
        database: Database,
        providers: Providers,
        services: Services,
        *,
        executor: Executor | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._providers = providers
        self._services = services
        self._steady = steady
        self._executor = executor or ThreadPoolExecutor(_CALLERS, thread_name_prefix="provider")
        calls = Calls(
            self._executor,
            provide=self._provider,
            launch_order=self._launch_order,
            answered=self._answered,
            steady=steady,
        )
        leadership = Leadership(database, services.new_id(), steady=steady)
        self.desk = Desk(database, leadership, services, calls)
        self.healer = Healer(self.desk)
        self.sweeper = Sweeper(database, leadership, providers, self._executor)
        self._epoch: int | None = None
        self._regions: dict[str, str] = {}
        self._next: dict[str, float] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loops and give the lease back; calls to providers that are under way are not waited for."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
        self._executor.shutdown(wait=False, cancel_futures=True)
        self.desk.leadership.resign()

    def wake(self) -> None:
        self._wake.set()

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.is_set():
            self._wake.wait(wait)
            self._wake.clear()
            if self._stopping.wait(_LEAST_GAP):
                return
            try:
                wait = _BUSY if self.turn() else _IDLE
            except NotLeading:
                wait = _IDLE
            except Exception:
                log.exception("a turn of the loops failed; the next one begins anew")
                wait = _IDLE

    def turn(self) -> bool:
        """One turn of every loop that is due. Whether something is on its way, so that the next should come soon."""
        desk = self.desk
        if not desk.leadership.keep():
            self._epoch = None
            return False
        if self._epoch != desk.leadership.epoch:
            self._epoch = desk.leadership.epoch
            self.healer.forget()
        now = self._now()
        _, moving = lifecycle.tick(desk, now)
        _, waiting = configure.tick(desk, now)
        heal_every = self._services.settings.heal.check_every.total_seconds()
        if self._is_due("healing", heal_every):
            self.healer.tick(Clock(now, self._steady()))
        if self._is_due("expiry", _EXPIRY_EVERY) and not self.healer.is_in_grace(now):
            expiry.tick(desk, now)
        if self._is_due("leftovers", _LEFTOVERS_EVERY):
            self.sweeper.tick()
        if self._is_due("retention", _RETENTION_EVERY):
            retention.tick(desk, now)
        return moving or waiting

    def _is_due(self, loop: str, every: float) -> bool:
        steady = self._steady()
        if steady < self._next.get(loop, steady):
            return False
        self._next[loop] = steady + every
        return True

    def _now(self) -> datetime:
        with self._database.read() as conn:
            return self._database.now(conn)

    def _provider(self, instance: Instance) -> Provider:
        if not instance.provider:
            raise ProviderError(f"instance {instance.hostname} is a registered machine", retriable=False)
        if (region := self._regions.get(instance.stack_id)) is None:
            with self._database.read() as conn:
                stack = stacks.get(conn, instance.stack_id)
            if stack is None:
                raise ProviderError(f"the stack {instance.stack_id} does not exist any more", retriable=False)
            region = self._regions[instance.stack_id] = stack.region
        return self._providers(region)

    def _launch_order(self, instance: Instance) -> LaunchOrder:
        settings = self._services.settings
        if self._provider(instance).makes_volumes:
            with self.desk.leadership.write() as conn:
                disks.give(conn, instance, new_id=self._services.new_id, now=self._database.now(conn))
        with self._database.read() as conn:
            details = instances.details(conn, [instance.id])[instance.id]
        return LaunchOrder(
            request_id=instance.start_id or "",
            instance_id=instance.id,
            stack_id=instance.stack_id,
            hostname=instance.hostname,
            os=details.os,
            instance_type=details.instance_type,
            persistent=instance.persistent,
            server_url=settings.public_url,
            join_token=self._services.join_token(instance),
            ca_file=settings.ca_file,
        )

    def _answered(self, order: Order, answer: Made | Refused) -> None:
        """In a thread of the calls: write what a provider's answer means, and carry on."""
        try:
            follow = self._follow(order, answer)
        except NotLeading:
            return
        except Exception:
            log.exception("what the provider answered to %s was not written", type(order).__name__)
            return
        for further in follow:
            self.desk.calls.give(further)
        self.wake()

    def _follow(self, order: Order, answer: Made | Refused) -> list[Order]:
        for _ in range(_TRIES):
            with self.desk.leadership.write() as conn:
                now = self._database.now(conn)
                steps = after_order(instances.get(conn, order.seen.id), order, answer, now)
                actions: list[Action] = [step for step in steps if not isinstance(step, Order)]
                if self.desk.wrote(conn, actions, now):
                    return [step for step in steps if isinstance(step, Order)]
        return []
