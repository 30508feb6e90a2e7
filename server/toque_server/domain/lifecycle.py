"""What becomes of an instance next (chapter 03, sections 5 to 8; chapter 04, section 10).

`decide` looks at one instance as it stands in the database, at what its provider and its agent say, and at the clock.
It remembers nothing: whatever was left undone by a crash is seen again in the next turn. What operators ask for begins
in `verbs`; what follows from a finished command or a provider's answer stands in `consequences`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from toque_server.domain.actions import (
    Action,
    ConfigureDue,
    HealStarted,
    KeepAddresses,
    LaunchMachine,
    Move,
    Order,
    RebootMachine,
    StartMachine,
    StopMachine,
    TerminateMachine,
)
from toque_server.domain.command import Command
from toque_server.domain.instance import Instance, Status, move
from toque_server.domain.transitions import (
    changed,
    deregistered,
    end_all,
    power_down,
    setup_command,
    setup_failed,
    start_failed,
    stop_failed,
    unassigned,
)
from toque_server.settings import Limits

_S = Status


class Machine(StrEnum):
    """What the provider says of an instance's machine. `GONE`: it does not list it."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    TERMINATED = "terminated"
    FAILED = "failed"
    GONE = "gone"


AWAY: Final = frozenset({Machine.TERMINATED, Machine.GONE})
DOWN: Final = AWAY | {Machine.STOPPED, Machine.FAILED}


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider answered when asked at `at`."""

    state: Machine
    at: datetime
    detail: str = ""
    private_ip: str | None = None
    public_ip: str | None = None
    private_dns: str | None = None
    public_dns: str | None = None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One instance and what is known of it. `commands`: those that have not ended, in queue order."""

    instance: Instance
    commands: tuple[Command, ...] = ()
    sighting: Sighting | None = None
    last_contact: datetime | None = None


TRANSITIONAL: Final = frozenset(_S) - {_S.ONLINE, _S.SETUP_FAILED, _S.START_FAILED, _S.STOP_FAILED, _S.REGISTERED}
"""Instances in these may have to move on by themselves. (`stopped` is among them: a heal starts it again.)"""


def decide(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    """What to do about one instance now; mostly nothing. At most one move, with all that belongs to it."""
    step = _STEPS.get(view.instance.status)
    return [] if step is None else step(view, limits, now)


# -- on the way up ------------------------------------------------------------------------------------------------


def _requested(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    seen = view.instance
    if now - seen.since > limits.start:
        return [*start_failed(seen, f"the provider did not start it within {_spoken(limits.start)}", now)]
    if seen.machine_id is None:
        return [LaunchMachine(seen)]
    if not seen.persistent:
        # What is left of an attempt that failed; the new one begins without it.
        return [TerminateMachine(seen)]
    if (sighting := _sighting(view)) is not None and sighting.state in AWAY:
        return [Move(seen, replace(seen, machine_id=None))]
    return [StartMachine(seen)]


def _pending(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    seen, sighting = view.instance, _sighting(view)
    if sighting is not None and sighting.state is Machine.RUNNING:
        return [_to(seen, _S.BOOTING, now), *_addresses(seen, sighting)]
    if _is_heard(view):
        return [_to(seen, _S.BOOTING, now)]
    if sighting is not None and (failure := _failure(seen, sighting, limits)):
        return [*start_failed(seen, failure, now)]
    if now - (seen.booted_at or seen.since) > limits.start:
        return [*start_failed(seen, f"the provider did not start it within {_spoken(limits.start)}", now)]
    return []


def _booting(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    seen, sighting = view.instance, _sighting(view)
    if _is_heard(view):
        return [_to(seen, _S.RUNNING_SETUP, now), setup_command(seen, after_boot=True)]
    if sighting is not None and (failure := _failure(seen, sighting, limits)):
        return [*start_failed(seen, failure, now)]
    if now - seen.since > limits.boot:
        reason = (
            f"its agent was not heard within {_spoken(limits.boot)}: check that the machine reaches the server's"
            " address, and its console text for what the agent said"
        )
        return [*start_failed(seen, reason, now)]
    return []


def _running_setup(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    if any(each.type == "setup" for each in view.commands):
        return []
    return [*setup_failed(view.instance, "its Setup ended without a result", now)]


def _failure(seen: Instance, sighting: Sighting, limits: Limits) -> str:
    """Why the machine will not come up any more; empty while it may."""
    if sighting.state is Machine.GONE and sighting.at - seen.since < limits.unlisted:
        return ""
    if sighting.state not in DOWN or (sighting.state is Machine.STOPPED and seen.status is _S.PENDING):
        return ""
    detail = f": {sighting.detail}" if sighting.detail else ""
    return f"the provider says that its machine is {sighting.state}{detail}"


def _rebooting(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    seen = view.instance
    back = seen.previous if seen.previous in (_S.ONLINE, _S.SETUP_FAILED, _S.REGISTERED) else _S.ONLINE
    if now - seen.since > limits.reboot:
        lost = move(seen, _S.CONNECTION_LOST, at=now, reason=f"not back within {_spoken(limits.reboot)} of a reboot")
        told = [ConfigureDue(seen.stack_id, f"{seen.hostname} did not come back")] if back is _S.ONLINE else []
        return [Move(seen, replace(lost, previous=back)), *told]
    if seen.booted_at is None:
        return [RebootMachine(seen)]
    # No Configure: for the others it was online all the time (section 5.1).
    return [_to(seen, back, now)] if _is_heard(view) else []


# -- on the way down ----------------------------------------------------------------------------------------------


def _shutting_down(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    seen = view.instance
    late = seen.shutdown_by is None or now >= seen.shutdown_by
    dead = (sighting := _sighting(view)) is not None and sighting.state in DOWN
    if not late and not dead and any(each.type == "shutdown" for each in view.commands):
        return []
    return [*end_all(view.commands, "the instance stopped"), *power_down(seen, now)]


def _stopping(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    return _leaving(view, StopMachine, Machine.STOPPED, limits, now)


def _terminating(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    return _leaving(view, TerminateMachine, Machine.TERMINATED, limits, now)


def _leaving(
    view: View, order: Callable[[Instance], Order], wanted: Machine, limits: Limits, now: datetime
) -> list[Action | Order]:
    """Off goes the machine. A stopped one keeps its name for the next start, unless it is gone."""
    seen, sighting = view.instance, _sighting(view)
    if seen.machine_id is None:
        # The order to start may have reached the provider although nobody lived to write down what it made: asking
        # again under the same id finds that machine, which then goes the way of every other.
        return [LaunchMachine(seen)] if seen.start_id is not None else [*_at_rest(seen, now, keep=False)]
    if sighting is not None and (sighting.state is wanted or sighting.state in AWAY):
        return [*_at_rest(seen, now, keep=sighting.state not in AWAY)]
    if now - seen.since > limits.stop:
        return [*stop_failed(seen, f"the provider did not stop it within {_spoken(limits.stop)}", now)]
    return [order(seen)]


def _at_rest(seen: Instance, now: datetime, *, keep: bool) -> list[Action]:
    to = _S.TERMINATED if seen.status is _S.TERMINATING and seen.heal_id is None else _S.STOPPED
    machine_id = seen.machine_id if keep else None
    rested = replace(move(seen, to, at=now), machine_id=machine_id, start_id=None, shutdown_by=None)
    return [Move(seen, rested)]


def _terminated(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    return [_to(view.instance, _S.STOPPED, now)]


def _stopped(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    seen = view.instance
    if seen.heal_id is None:
        return []
    ordered = replace(move(seen, _S.REQUESTED, at=now, reason="healing"), start_id=seen.heal_id, booted_at=None)
    return [Move(seen, ordered), HealStarted(seen.heal_id)]


# -- registered machines (section 5.2) ----------------------------------------------------------------------------


def _awaiting_setup(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    setup = next((each for each in view.commands if each.type == "setup"), None)
    if setup is None:
        return [_to(view.instance, _S.RUNNING_SETUP, now), setup_command(view.instance)]
    return [_to(view.instance, _S.RUNNING_SETUP, now)] if setup.acknowledged_at is not None else []


def _unassigning(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    seen = view.instance
    late = seen.shutdown_by is not None and now >= seen.shutdown_by
    if not late and any(each.type == "shutdown" for each in view.commands):
        return []
    return [*end_all(view.commands, "the instance left its layers"), *unassigned(seen, now)]


def _deregistering(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    """Until the agent has left and said so, or has not answered, or not gone on, for too long."""
    seen = view.instance
    asked = {each.type: each for each in view.commands if each.type in ("shutdown", "deregister")}
    # `shutdown_by`: when its Shutdown ended, which is an answer too.
    heard = [seen.since, *([seen.shutdown_by] if seen.shutdown_by else [])]
    for each in asked.values():
        if each.acknowledged_at is not None:
            may_take = timedelta(seconds=each.deadline_seconds) if each.type == "shutdown" else timedelta(0)
            heard.append(each.acknowledged_at + may_take)
    if "deregister" in asked and now - max(heard) <= limits.deregister:
        return []
    others = [each for each in view.commands if each.type not in asked]
    return [*end_all(others, "the instance was deregistered"), *deregistered(seen)]


# -- at work ------------------------------------------------------------------------------------------------------


def _at_work(view: View, limits: Limits, now: datetime) -> list[Action | Order]:
    """A Setup asked for by hand takes the instance out of service when its turn in the queue has come (E-2)."""
    if view.commands and view.commands[0].type == "setup":
        return [*changed(view.instance, move(view.instance, _S.RUNNING_SETUP, at=now))]
    return []


_STEPS: Final[Mapping[Status, Callable[[View, Limits, datetime], list[Action | Order]]]] = {
    _S.REQUESTED: _requested,
    _S.PENDING: _pending,
    _S.BOOTING: _booting,
    _S.RUNNING_SETUP: _running_setup,
    _S.ONLINE: _at_work,
    _S.SETUP_FAILED: _at_work,
    _S.REBOOTING: _rebooting,
    _S.SHUTTING_DOWN: _shutting_down,
    _S.STOPPING: _stopping,
    _S.TERMINATING: _terminating,
    _S.TERMINATED: _terminated,
    _S.STOPPED: _stopped,
    _S.REGISTERING: _awaiting_setup,
    _S.ASSIGNING: _awaiting_setup,
    _S.UNASSIGNING: _unassigning,
    _S.DEREGISTERING: _deregistering,
}


def _to(seen: Instance, status: Status, now: datetime) -> Move:
    return Move(seen, move(seen, status, at=now))


def _addresses(seen: Instance, sighting: Sighting) -> list[Action]:
    return [
        KeepAddresses(
            instance=seen,
            private_ip=sighting.private_ip,
            public_ip=sighting.public_ip,
            private_dns=sighting.private_dns,
            public_dns=sighting.public_dns,
        )
    ]


def _sighting(view: View) -> Sighting | None:
    """What the provider said since the instance has this status; what it said before is no answer to it."""
    sighting = view.sighting
    return sighting if sighting is not None and sighting.at >= view.instance.since else None


def _is_heard(view: View) -> bool:
    """Whether the agent was heard since the newest start: it is the new boot that we hear."""
    since = view.instance.booted_at or view.instance.since
    return view.last_contact is not None and view.last_contact > since


def _spoken(limit: timedelta) -> str:
    minutes, seconds = divmod(round(limit.total_seconds()), 60)
    return f"{minutes} minutes" if minutes and not seconds else f"{round(limit.total_seconds())} seconds"
