"""The queue of an instance, and every change of a command as a compare-and-set (R3, R4, R8, E-20)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.world import World
from tests.server.made import NOW, command
from toque_server.domain.actions import Evidence, Heal, Outcome
from toque_server.domain.command import CommandStatus
from toque_server.store import commands, configures, heals
from toque_server.store.database import Database


@pytest.fixture
def stored(either: Database, tmp_path: Path) -> Database:
    """A database with the instances web-1 and web-2."""
    world = World(str(either.url.render_as_string(hide_password=False)), tmp_path, migrated=True)
    world.stack()
    world.layer()
    world.instance("web-1")
    world.instance("web-2")
    world.database.close()
    return either


def next_id(database: Database, instance: str = "web-1") -> str | None:
    with database.read() as conn:
        found = commands.next_for(conn, instance)
    return None if found is None else found.id


def test_E_20_first_in_first_out_also_within_one_instant(stored: Database) -> None:
    with stored.write() as conn:
        commands.add(conn, command("late", created_at=NOW + timedelta(seconds=1)), command("first"), command("second"))

    assert next_id(stored) == "first"
    assert next_id(stored, "web-2") is None


def test_R4_the_same_command_is_handed_out_until_it_is_acknowledged_and_nothing_while_it_runs(stored: Database) -> None:
    one = command("one")
    with stored.write() as conn:
        commands.add(conn, one, command("two"))
        number = commands.next_number(conn, "web-1")
        assert commands.set_dispatched(conn, one, number=number, manifest_version=1, envelope=b"signed", at=NOW)
        assert not commands.set_dispatched(conn, one, number=9, manifest_version=2, envelope=b"other", at=NOW)
        commands.add(conn, command("stop", "shutdown"))
    assert next_id(stored) == "one"

    with stored.write() as conn:
        assert commands.envelope(conn, "one") == b"signed"
        assert commands.acknowledge(conn, one, NOW)
        assert not commands.acknowledge(conn, one, NOW)
    assert next_id(stored) is None

    with stored.write() as conn:
        assert commands.finish(conn, one, CommandStatus.SUCCESSFUL, 0, NOW)
    assert next_id(stored) == "stop"


def test_E_20_shutdown_goes_first_and_then_what_takes_a_right_away(stored: Database) -> None:
    with stored.write() as conn:
        commands.add(
            conn,
            command("deploy"),
            command("users", "sync_remote_users", args={"revokes": True}),
            command("stop", "shutdown"),
        )
    order = []
    while (id := next_id(stored)) is not None:
        order.append(id)
        with stored.write() as conn:
            commands.finish(conn, command(id), CommandStatus.SUCCESSFUL, 0, NOW)

    assert order == ["stop", "users", "deploy"]


def test_R8_the_first_verdict_and_the_first_result_stand(stored: Database) -> None:
    one = command("one")
    with stored.write() as conn:
        commands.add(conn, one)
        assert commands.finish(conn, one, CommandStatus.FAILED, 1, NOW, "a recipe failed")
        assert not commands.finish(conn, one, CommandStatus.SUCCESSFUL, 0, NOW)
        assert commands.set_result(conn, "one", "{}")
        assert not commands.set_result(conn, "one", '{"other": 1}')
        ended = commands.get(conn, "one")

    assert ended is not None
    assert (ended.status, ended.exit_code, ended.reason) == (CommandStatus.FAILED, 1, "a recipe failed")


def test_S6_dispatch_numbers_only_grow(stored: Database) -> None:
    with stored.write() as conn:
        assert [commands.next_number(conn, "web-1") for _ in range(3)] == [1, 2, 3]
        commands.raise_number(conn, "web-1", 40)
        commands.raise_number(conn, "web-1", 7)
        assert commands.next_number(conn, "web-1") == 41


def test_E_3_a_newer_configure_takes_the_place_of_an_unacknowledged_one_only(stored: Database) -> None:
    running, waiting, asked = (
        command("running", "configure", acknowledged_at=NOW),
        command("waiting", "configure"),
        command("asked", "configure", deployment_id="d-1"),
    )
    with stored.write() as conn:
        commands.add(conn, running, waiting, asked)
        assert commands.supersede_configures(conn, ["web-1", "web-2"], NOW) == 1
        ends = {each.id: (each.status.value, each.reason) for each in commands.of_instance(conn, "web-1")}

    assert ends == {"running": ("pending", ""), "waiting": ("skipped", "superseded"), "asked": ("pending", "")}


def test_H10_an_instance_has_one_open_heal(stored: Database) -> None:
    def heal(id: str) -> Heal:
        return Heal(id=id, instance_id="web-1", stack_id="s-1", evidence=Evidence.HARD, started_at=NOW)

    with stored.write() as conn:
        assert heals.open(conn, heal("h-1"))
        assert not heals.open(conn, heal("h-2"))
        assert heals.end(conn, "h-1", Outcome.HEALED, NOW)
        assert not heals.end(conn, "h-1", Outcome.CANCELLED, NOW)
        assert heals.open(conn, heal("h-3"))
        assert heals.under_way(conn) == ["web-1"]
        known = heals.get(conn, "h-1")

    assert known is not None and known.outcome is Outcome.HEALED


def test_a_wait_that_another_change_touched_is_not_settled(stored: Database) -> None:
    with stored.write() as conn:
        configures.touch(conn, "s-1", at=NOW, cause="one")
        [seen] = configures.all_due(conn)
        configures.touch(conn, "s-1", at=NOW + timedelta(seconds=1), cause="two")
        assert not configures.swap(conn, seen, None)
        [seen] = configures.all_due(conn)
        assert (seen.first_at, seen.cause) == (NOW, "two")
        assert configures.swap(conn, seen, None)
        assert configures.get(conn, "s-1") is None
