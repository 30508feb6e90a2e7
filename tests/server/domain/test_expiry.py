"""Every command ends within its limits (E-16, R9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.server.made import NOW, command, instance
from toque_server.domain.actions import EndCommand, Move, SettleDeployment
from toque_server.domain.command import Command, CommandStatus
from toque_server.domain.expiry import decide
from toque_server.domain.instance import Status

LOST = timedelta(minutes=35)
"""Silent after five, and given up thirty later."""
MINUTE = timedelta(minutes=1)


def ends(
    made: Command, *, status: Status = Status.ONLINE, heard: timedelta = MINUTE
) -> list[tuple[CommandStatus, int | None]]:
    found = decide([made], {"web-1": instance("web-1", status)}, {"web-1": NOW - heard}, LOST, NOW)
    return [(a.status, a.exit_code) for actions in found for a in actions if isinstance(a, EndCommand)]


@pytest.mark.parametrize(("left", "expired"), [(1, False), (0, True), (-3600, True)])
def test_04_29_what_nobody_took_expires_at_its_time(left: float, expired: bool) -> None:
    made = command(expires_at=NOW + timedelta(seconds=left))

    assert ends(made) == ([(CommandStatus.EXPIRED, None)] if expired else [])


def test_E_16_the_setup_after_a_boot_does_not_expire() -> None:
    assert ends(command(type="setup", expires_at=None), status=Status.RUNNING_SETUP, heard=timedelta(days=3)) == []


@pytest.mark.parametrize(("minutes", "ended"), [(34, False), (36, True)])
def test_E_16_a_run_ends_30_minutes_after_its_instance_fell_silent(minutes: int, ended: bool) -> None:
    made = command(acknowledged_at=NOW - timedelta(hours=2), expires_at=NOW - timedelta(hours=1))

    assert ends(made, heard=timedelta(minutes=minutes)) == ([(CommandStatus.FAILED, 255)] if ended else [])


def test_a_long_run_whose_agent_calls_goes_on() -> None:
    assert ends(command(acknowledged_at=NOW - timedelta(hours=3))) == []


def test_the_end_of_a_command_is_that_of_its_deployment_and_setup() -> None:
    made = command(type="setup", deployment_id="d-1", expires_at=NOW)

    [actions] = decide([made], {"web-1": instance("web-1", Status.RUNNING_SETUP)}, {}, LOST, NOW)

    assert SettleDeployment("d-1") in actions
    assert [a.new.status for a in actions if isinstance(a, Move)] == [Status.SETUP_FAILED]
