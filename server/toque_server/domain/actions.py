"""What a decision wants done, as values: they can be logged, counted, compared and rationed before anything happens.

There are two kinds. An `Action` changes the database, in the one transaction that its list belongs to: the list takes
effect as a whole, or, where somebody else was faster, not at all. An `Order` is a call to a provider. It is made
outside any transaction, may be repeated, and what came of it is then decided in `lifecycle.after_order`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from toque_server.domain.command import Command, CommandStatus
from toque_server.domain.instance import Instance


class Evidence(StrEnum):
    """Why an instance counts as failed: its provider says so, or nobody hears it."""

    HARD = "hard"
    SOFT = "soft"


class Outcome(StrEnum):
    """How a heal ended."""

    HEALED = "healed"
    NO_CONTACT = "no_contact"
    STOP_FAILED = "stop_failed"
    START_FAILED = "start_failed"
    SETUP_FAILED = "setup_failed"
    CANCELLED = "cancelled"


class Heal(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to bring an instance back; `outcome` and `ended_at` are None while it is open."""

    id: str
    instance_id: str
    stack_id: str
    evidence: Evidence
    started_at: datetime
    machine_started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    by: str = "auto-healing"
    last_contact_at: datetime | None = None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A stack's wait for quiet. `first_at`: when it began. `last_at`: the newest change.

    A `last_at` before `first_at` means that nothing changed since the last Configure; what is left is the memory of how
    long the last limit was. `limit_seconds` 0 means that the wait has not been looked at yet.
    """

    stack_id: str
    first_at: datetime
    last_at: datetime
    limit_seconds: float
    cause: str


class Move(msgspec.Struct, frozen=True):
    """Write `new` if the instance still is as it was `seen`."""

    seen: Instance
    new: Instance


class AddCommand(msgspec.Struct, frozen=True, kw_only=True):
    """Queue a command. `expires_after` and `deadline` None: as long as commands usually wait and take.

    `waits`: it never expires (the Setup after a boot, E-16).
    """

    stack_id: str
    instance_id: str
    type: str
    args: Mapping[str, Any] = {}
    expires_after: timedelta | None = None
    waits: bool = False
    deadline: timedelta | None = None


class EndCommand(msgspec.Struct, frozen=True):
    """End a command that an agent has not ended. A `skipped` or `expired` one must be unacknowledged still."""

    seen: Command
    status: CommandStatus
    exit_code: int | None
    reason: str


class AbortCommand(msgspec.Struct, frozen=True):
    """Ask the agent to end a run."""

    seen: Command


class SettleDeployment(msgspec.Struct, frozen=True):
    """One of its commands has ended, so the deployment may have."""

    deployment_id: str


class ConfigureDue(msgspec.Struct, frozen=True):
    """Every online instance of the stack must hear of a change, once it is quiet (D16)."""

    stack_id: str
    cause: str


class Configure(msgspec.Struct, frozen=True):
    """The wait is over: one Configure to each of `recipients`, in place of those they have not acknowledged.

    `next` is the wait that follows it, None when the stack is quiet.
    """

    seen: Due
    recipients: tuple[str, ...]
    next: Due | None


class Wait(msgspec.Struct, frozen=True):
    """The stack changes so much that its Configure waits longer. `next` None: forget a wait that nothing came of."""

    seen: Due
    next: Due | None


class OpenHeal(msgspec.Struct, frozen=True):
    heal: Heal


class HealStarted(msgspec.Struct, frozen=True):
    """The machine of an open heal was ordered to start: from here on contact is awaited (H5)."""

    heal_id: str


class EndHeal(msgspec.Struct, frozen=True):
    heal_id: str
    outcome: Outcome


class AddServiceError(msgspec.Struct, frozen=True, kw_only=True):
    """What DescribeServiceErrors shows; the instance's LastServiceErrorId points to it."""

    stack_id: str
    instance_id: str | None
    type: str
    message: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A line for the installation's event stream."""

    kind: str
    message: str
    stack_id: str | None = None
    instance_id: str | None = None
    data: Mapping[str, Any] = {}


class KeepAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of the machine's addresses."""

    instance: Instance
    private_ip: str | None = None
    public_ip: str | None = None
    private_dns: str | None = None
    public_dns: str | None = None


class RemoveInstance(msgspec.Struct, frozen=True):
    seen: Instance


Action = (
    Move
    | AddCommand
    | EndCommand
    | AbortCommand
    | SettleDeployment
    | ConfigureDue
    | Configure
    | Wait
    | OpenHeal
    | HealStarted
    | EndHeal
    | AddServiceError
    | Report
    | KeepAddresses
    | RemoveInstance
)


class LaunchMachine(msgspec.Struct, frozen=True):
    """A new machine, under the instance's `start_id`: asked for twice, it is made once."""

    seen: Instance


class StartMachine(msgspec.Struct, frozen=True):
    """The instance's stopped machine, with the disk it had."""

    seen: Instance


class StopMachine(msgspec.Struct, frozen=True):
    seen: Instance


class TerminateMachine(msgspec.Struct, frozen=True):
    """The machine and its disk."""

    seen: Instance


class RebootMachine(msgspec.Struct, frozen=True):
    seen: Instance


Order = LaunchMachine | StartMachine | StopMachine | TerminateMachine | RebootMachine
