"""Machines that existed before Toque knew them: they can be managed, but not switched on or off from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from toque_server.providers.provider import LaunchOrder, Machine, MachineState, ProviderError


class RegisteredProvider:
    """Machines that `toque register` brought in. Every power action is refused; only their agents know how they are."""

    name = "registered"
    makes_volumes = False

    def __init__(self, options: Mapping[str, str], data_dir: Path) -> None:
        """Takes no options and keeps nothing on disk."""

    def launch(self, order: LaunchOrder) -> str:
        raise _refusal("launched", order.hostname)

    def start(self, machine_id: str, order: LaunchOrder) -> None:
        raise _refusal("started", machine_id)

    def stop(self, machine_id: str) -> None:
        raise _refusal("stopped", machine_id)

    def terminate(self, machine_id: str) -> None:
        raise _refusal("terminated", machine_id)

    def reboot(self, machine_id: str) -> None:
        raise _refusal("rebooted", machine_id)

    def describe(self, machine_ids: Sequence[str]) -> dict[str, Machine]:
        """All of them run, as far as anyone but their agents can tell."""
        return {each: Machine(machine_id=each, state=MachineState.RUNNING) for each in machine_ids}

    def console_text(self, machine_id: str) -> str:
        return ""


def _refusal(what: str, machine: str) -> ProviderError:
    return ProviderError(
        f"{machine} is a registered machine and cannot be {what} by Toque: do it on the machine, or deregister it",
        retriable=False,
    )
