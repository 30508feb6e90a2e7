"""Commands and deployments: what the server tells instances to do (chapter 04, sections 6 and 7)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class CommandStatus(StrEnum):
    """`expired` is ours; the OpsWorks operations show it as `failed` (ruling 2)."""

    PENDING = "pending"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXPIRED = "expired"


class DeploymentStatus(StrEnum):
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"


class Exit:
    """Exit codes of chapter 04, section 7.3 (E-15)."""

    OK = 0
    RECIPE = 1
    NOT_FOUND = 2
    DOWNLOAD = 3
    DATA = 4
    SYSTEM_PHASE = 5
    TIMED_OUT = 124
    ABORTED = 130
    KILLED = 137
    INTERRUPTED = 255


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One order for one instance. `acknowledged_at` set and `completed_at` not means that it runs."""

    id: str
    stack_id: str
    instance_id: str
    deployment_id: str | None = None
    cause_id: str
    """The deployment's or event's id: commands of one cause dispatched within 5 s share a policy (ruling 16)."""
    type: str
    args: dict[str, Any] = {}
    """`recipes`, `migrate`, `allow_reboot`, `upgrade_os_to`, `app_ids`, as chapter 06 § 3.6; a Setup's `after_boot`."""
    user_arn: str | None = None
    status: CommandStatus = CommandStatus.PENDING
    reason: str = ""
    exit_code: int | None = None
    created_at: datetime
    dispatched_at: datetime | None = None
    dispatch: int | None = None
    acknowledged_at: datetime | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    """Unacknowledged after this it is `expired`; None for the Setup after a boot (E-16)."""
    deadline_seconds: float = 4 * 3600.0
    """How long a run may take before the agent ends it with 124."""
    aborted: bool = False
    """The agent was asked to end the run."""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One request on a set of instances."""

    id: str
    stack_id: str
    app_id: str | None = None
    command_name: str
    """As sent, so `upgrade_operating_system` stays (E-9)."""
    command_args: dict[str, list[str]] = {}
    user_arn: str | None = None
    comment: str | None = None
    status: DeploymentStatus = DeploymentStatus.RUNNING
    instance_ids: tuple[str, ...] = ()
    created_at: datetime
    completed_at: datetime | None = None
