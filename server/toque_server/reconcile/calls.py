"""Calls to providers: outside every transaction, in threads of their own, each at most once at a time.

An order that the next turn decides again while it is under way is not given twice. One that failed and may be repeated
waits, a little longer each time. What the providers say of machines is kept as sightings. All of this is memory that
may be lost at any moment: orders carry ids under which a provider acts once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from toque_server.domain.actions import (
    LaunchMachine,
    Order,
    RebootMachine,
    StartMachine,
    StopMachine,
    TerminateMachine,
)
from toque_server.domain.consequences import Made, Refused
from toque_server.domain.instance import Instance
from toque_server.domain.lifecycle import Machine, Sighting
from toque_server.providers import LaunchOrder, Provider, ProviderError

log = logging.getLogger(__name__)

_LOOK_AGAIN = 20.0
"""Seconds until a stop that the provider accepted, but that nothing came of, is asked for again."""
_LONGEST_WAIT = 30.0


@dataclass
class _Call:
    under_way: bool = True
    tries: int = 0
    again_at: float = 0.0


class Calls:
    """`provide` gives the provider of an instance, `launch_order` what it needs to make its machine.

    `answered` is called in the thread of the call, with the order and what came of it.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        provide: Callable[[Instance], Provider],
        launch_order: Callable[[Instance], LaunchOrder],
        answered: Callable[[Order, Made | Refused], None],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor = executor
        self._provide = provide
        self._launch_order = launch_order
        self._answered = answered
        self._steady = steady
        self._lock = threading.Lock()
        self._calls: dict[tuple[str, str, str], _Call] = {}
        self._looking: set[int] = set()
        self._sightings: dict[str, tuple[str, Sighting]] = {}

    def give(self, order: Order) -> None:
        """Carry out an order, unless the same one is under way or waits for its next try."""
        key = _key(order)
        with self._lock:
            call = self._calls.get(key)
            if call is not None and (call.under_way or self._steady() < call.again_at):
                return
            self._calls[key] = _Call(tries=call.tries if call else 0)
        self._executor.submit(self._carry_out, key, order)

    def _carry_out(self, key: tuple[str, str, str], order: Order) -> None:
        answer: Made | Refused
        try:
            answer = self._call(order)
        except ProviderError as error:
            answer = Refused(str(error), error.retriable)
        except Exception as error:
            log.exception("the provider failed in %s of instance %s", type(order).__name__, order.seen.id)
            answer = Refused(f"{type(error).__name__}: {error}", retriable=True)
        with self._lock:
            call = self._calls[key]
            call.under_way = False
            call.tries += 1
            wait = _LOOK_AGAIN if isinstance(answer, Made) else min(0.5 * 2**call.tries, _LONGEST_WAIT)
            call.again_at = self._steady() + wait
        self._answered(order, answer)

    def _call(self, order: Order) -> Made:
        seen = order.seen
        provider = self._provide(seen)
        match order:
            case LaunchMachine():
                return Made(provider.launch(self._launch_order(seen)))
            case StartMachine():
                provider.start(seen.machine_id or "", self._launch_order(seen))
            case StopMachine():
                provider.stop(seen.machine_id or "")
            case TerminateMachine():
                provider.terminate(seen.machine_id or "")
            case RebootMachine():
                provider.reboot(seen.machine_id or "")
            case _:
                assert_never(order)
        return Made()

    def forget(self, now_needed: Iterable[Order]) -> None:
        """Drop the memory of orders that nobody decides any more."""
        kept = {_key(order) for order in now_needed}
        with self._lock:
            for key in [key for key, call in self._calls.items() if not call.under_way and key not in kept]:
                del self._calls[key]

    def look(self, instances: Iterable[Instance], now: datetime) -> None:
        """Ask the providers about the machines of these instances; a provider that still ponders is not asked again."""
        by_provider: dict[int, tuple[Provider, list[Instance]]] = {}
        for each in instances:
            if each.machine_id is None:
                continue
            try:
                provider = self._provide(each)
            except ProviderError as error:
                log.warning("nothing is known of the machine of instance %s: %s", each.id, error)
                continue
            by_provider.setdefault(id(provider), (provider, []))[1].append(each)
        for key, (provider, group) in by_provider.items():
            with self._lock:
                if key in self._looking:
                    continue
                self._looking.add(key)
            self._executor.submit(self._look, key, provider, group, now)

    def _look(self, key: int, provider: Provider, group: list[Instance], now: datetime) -> None:
        try:
            found = provider.describe([each.machine_id or "" for each in group])
        except ProviderError as error:
            log.warning("provider %s does not say what its machines do: %s", provider.name, error)
            return
        except Exception:
            log.exception("provider %s failed to describe its machines", provider.name)
            return
        finally:
            with self._lock:
                self._looking.discard(key)
        with self._lock:
            for each in group:
                machine_id = each.machine_id or ""
                machine = found.get(machine_id)
                sighting = Sighting(state=Machine.GONE, at=now)
                if machine is not None:
                    sighting = Sighting(
                        state=Machine(machine.state.value),
                        at=now,
                        detail=machine.detail,
                        private_ip=machine.private_ip,
                        public_ip=machine.public_ip,
                        private_dns=machine.private_dns,
                        public_dns=machine.public_dns,
                    )
                self._sightings[each.id] = (machine_id, sighting)

    def sightings(self, instances: Iterable[Instance]) -> Mapping[str, Sighting]:
        """What was last seen of the machines that these instances have now."""
        with self._lock:
            return {
                each.id: seen[1]
                for each in instances
                if (seen := self._sightings.get(each.id)) is not None and seen[0] == each.machine_id
            }

    def forget_sightings(self, known: Iterable[str]) -> None:
        """Keep only those of instances that still exist."""
        ids = set(known)
        with self._lock:
            self._sightings = {id: seen for id, seen in self._sightings.items() if id in ids}


def _key(order: Order) -> tuple[str, str, str]:
    """An order is the same one while it is about the same stay of an instance in one status."""
    seen = order.seen
    return type(order).__name__, f"{seen.id}/{seen.machine_id}", f"{seen.status}/{seen.since.isoformat()}"
