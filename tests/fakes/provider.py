"""An infrastructure in memory: machines that boot, stop, die, vanish, and a provider that can refuse, hang or lie."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from toque_server.providers import LaunchOrder, Machine, MachineState, ProviderError


@dataclass
class FakeMachine:
    """`boots` counts how often it came up; a node that looks can tell a new boot from an old one."""

    id: str
    order: LaunchOrder
    state: MachineState = MachineState.RUNNING
    boots: int = 1
    disk: list[str] = field(default_factory=list)


class FakeProvider:
    """It remembers every machine and refuses what makes no sense, as a real one would.

    `refuses`: raised by every order until it is None again. `stuck`: stops are accepted and never happen.
    `lies`: machines it calls running whatever they are. `deaf`: it does not answer what its machines do.
    """

    name = "fake"

    def __init__(self) -> None:
        self.machines: dict[str, FakeMachine] = {}
        self.orders: list[str] = []
        self.refuses: ProviderError | None = None
        self.boots_at_once = True
        self.makes_volumes = False
        self.stuck = False
        self.deaf = False
        self.lies: set[str] = set()
        self._by_request: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def launch(self, order: LaunchOrder) -> str:
        self._take(f"launch {order.hostname}")
        if (known := self._by_request.get(order.request_id)) is not None:
            return known
        id = self._by_request[order.request_id] = f"m-{next(self._numbers)}"
        state = MachineState.RUNNING if self.boots_at_once else MachineState.PENDING
        self.machines[id] = FakeMachine(id, order, state)
        return id

    def start(self, machine_id: str, order: LaunchOrder) -> None:
        self._take(f"start {machine_id}")
        machine = self._machine(machine_id)
        if machine.state is not MachineState.RUNNING:
            machine.state = MachineState.RUNNING
            machine.boots += 1

    def stop(self, machine_id: str) -> None:
        self._take(f"stop {machine_id}")
        if not self.stuck:
            self._machine(machine_id).state = MachineState.STOPPED

    def terminate(self, machine_id: str) -> None:
        self._take(f"terminate {machine_id}")
        if not self.stuck:
            self.machines.pop(machine_id, None)

    def reboot(self, machine_id: str) -> None:
        self._take(f"reboot {machine_id}")
        self._machine(machine_id).boots += 1

    def describe(self, machine_ids: Sequence[str]) -> dict[str, Machine]:
        if self.deaf:
            raise ProviderError("the provider does not answer", retriable=True)
        return {
            id: Machine(
                machine_id=id,
                state=MachineState.RUNNING if id in self.lies else self.machines[id].state,
                private_ip=f"10.0.0.{self.machines[id].boots}",
            )
            for id in machine_ids
            if id in self.machines
        }

    def console_text(self, machine_id: str) -> str:
        return ""

    def die(self, machine_id: str) -> None:
        """Power off, behind the service's back."""
        self._machine(machine_id).state = MachineState.STOPPED

    def vanish(self, machine_id: str) -> None:
        """Terminate, behind the service's back."""
        del self.machines[machine_id]

    def come_up(self) -> None:
        """Let machines that are pending run."""
        for machine in self.machines.values():
            if machine.state is MachineState.PENDING:
                machine.state = MachineState.RUNNING

    def is_running(self, machine_id: str | None) -> bool:
        machine = self.machines.get(machine_id or "")
        return machine is not None and machine.state is MachineState.RUNNING

    def _take(self, order: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.orders.append(order)

    def _machine(self, machine_id: str) -> FakeMachine:
        if machine_id not in self.machines:
            raise ProviderError(f"there is no machine {machine_id}", retriable=False)
        return self.machines[machine_id]
