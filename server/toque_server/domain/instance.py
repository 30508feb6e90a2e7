"""An instance: what it can be, and the only moves between those states (chapter 03, sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class Status(StrEnum):
    """The twenty states, by their values on the wire."""

    REQUESTED = "requested"
    PENDING = "pending"
    BOOTING = "booting"
    RUNNING_SETUP = "running_setup"
    ONLINE = "online"
    SETUP_FAILED = "setup_failed"
    START_FAILED = "start_failed"
    REBOOTING = "rebooting"
    SHUTTING_DOWN = "shutting_down"
    STOPPING = "stopping"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    STOPPED = "stopped"
    STOP_FAILED = "stop_failed"
    CONNECTION_LOST = "connection_lost"
    REGISTERING = "registering"
    REGISTERED = "registered"
    ASSIGNING = "assigning"
    UNASSIGNING = "unassigning"
    DEREGISTERING = "deregistering"


_S = Status
_LEAVING: Final = frozenset({_S.SHUTTING_DOWN, _S.STOPPING, _S.TERMINATING, _S.DEREGISTERING, _S.STOPPED})

MOVES: Final[Mapping[Status, frozenset[Status]]] = {
    _S.STOPPED: frozenset({_S.REQUESTED, _S.DEREGISTERING}),
    _S.REQUESTED: frozenset({_S.PENDING, _S.BOOTING, _S.START_FAILED}) | _LEAVING,
    _S.PENDING: frozenset({_S.BOOTING, _S.START_FAILED}) | _LEAVING,
    _S.BOOTING: frozenset({_S.RUNNING_SETUP, _S.START_FAILED, _S.REGISTERED}) | _LEAVING,
    _S.RUNNING_SETUP: frozenset(
        {_S.ONLINE, _S.SETUP_FAILED, _S.REGISTERED, _S.CONNECTION_LOST, _S.UNASSIGNING, _S.REBOOTING}
    )
    | _LEAVING,
    _S.ONLINE: frozenset({_S.RUNNING_SETUP, _S.REBOOTING, _S.CONNECTION_LOST, _S.UNASSIGNING}) | _LEAVING,
    _S.SETUP_FAILED: frozenset({_S.RUNNING_SETUP, _S.REBOOTING, _S.CONNECTION_LOST, _S.UNASSIGNING}) | _LEAVING,
    _S.START_FAILED: frozenset({_S.REQUESTED}) | _LEAVING,
    _S.REBOOTING: frozenset({_S.ONLINE, _S.SETUP_FAILED, _S.REGISTERED, _S.CONNECTION_LOST}) | _LEAVING,
    _S.CONNECTION_LOST: frozenset({_S.ONLINE, _S.REGISTERED, _S.SETUP_FAILED, _S.RUNNING_SETUP, _S.UNASSIGNING})
    | _LEAVING,
    _S.SHUTTING_DOWN: frozenset({_S.STOPPING, _S.TERMINATING, _S.STOPPED, _S.DEREGISTERING}),
    _S.STOPPING: frozenset({_S.STOPPED, _S.STOP_FAILED}),
    _S.TERMINATING: frozenset({_S.TERMINATED, _S.STOPPED, _S.STOP_FAILED}),
    _S.TERMINATED: frozenset({_S.STOPPED}),
    _S.STOP_FAILED: frozenset({_S.STOPPING, _S.TERMINATING, _S.STOPPED, _S.DEREGISTERING}),
    _S.REGISTERING: frozenset({_S.RUNNING_SETUP, _S.CONNECTION_LOST, _S.DEREGISTERING}),
    _S.REGISTERED: frozenset({_S.ASSIGNING, _S.CONNECTION_LOST, _S.REBOOTING}) | _LEAVING,
    _S.ASSIGNING: frozenset({_S.RUNNING_SETUP, _S.UNASSIGNING, _S.CONNECTION_LOST, _S.DEREGISTERING}),
    _S.UNASSIGNING: frozenset({_S.REGISTERED, _S.CONNECTION_LOST, _S.DEREGISTERING}),
    _S.DEREGISTERING: frozenset(),
}
"""From each state, the states it may become. The picture in the manual is generated from this table."""

INITIAL: Final = frozenset({Status.STOPPED, Status.REGISTERING})


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """What the server knows of one instance for its decisions; the rest of its record is in `document`."""

    id: str
    stack_id: str
    hostname: str
    layer_ids: tuple[str, ...]
    status: Status
    since: datetime
    """When the status was last changed."""
    persistent: bool
    """True for root device `ebs`: stop keeps the machine. False for `instance-store`: stop destroys it (I-1)."""
    infrastructure_class: str
    """`ec2` for machines of a cloud or a provider, `on-premises` for others. Who has power over it says `provider`."""
    provider: str
    """Name of the provider that makes its machine; empty for a registered machine."""
    scaling: str | None = None
    """None (24/7), `timer` or `load`."""
    machine_id: str | None = None
    """The provider's name for the machine (`Ec2InstanceId`); None when there is none."""
    start_id: str | None = None
    """The request id of the newest order to start a machine; a repeated provider call with it acts once."""
    previous: Status | None = None
    """Where `rebooting`, `connection_lost` and an aborted move return to."""
    reason: str = ""
    """Why it is in this status, for people."""
    heal_id: str | None = None
    """The open heal that stops and starts it, or None."""
    shutdown_by: datetime | None = None
    """Until when `shutting_down` waits for the Shutdown command."""
    booted_at: datetime | None = None
    created_at: datetime


_AT_REST: Final = frozenset({Status.STOPPED, Status.TERMINATED, Status.START_FAILED})


def is_at_rest(instance: Instance) -> bool:
    """Whether nothing of it runs, and no heal is about to start it: it may be deleted, and its disks may be moved."""
    return instance.status in _AT_REST and instance.heal_id is None


class IllegalMove(Exception):
    def __init__(self, instance: Instance, to: Status) -> None:
        super().__init__(f"instance {instance.id} is {instance.status}, it cannot become {to}")
        self.instance, self.to = instance, to


def move(instance: Instance, to: Status, *, at: datetime, reason: str = "") -> Instance:
    """The one place where an instance changes its status."""
    if to not in MOVES[instance.status]:
        raise IllegalMove(instance, to)
    return msgspec.structs.replace(instance, status=to, since=at, previous=instance.status, reason=reason)
