"""The engine as a server runs it: in its thread, under the lease, through failures (R19)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace as replaced
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.world import World
from toque_server.domain.instance import Status
from toque_server.reconcile.engine import Engine
from toque_server.reconcile.leadership import NotLeading
from toque_server.store import contacts, instances
from toque_server.store.database import Database


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    gate = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        gate.wait(0.02)


@pytest.fixture
def running(world: World, tmp_path: Path) -> Iterator[World]:
    """A world whose time is real and whose engine turns in its own thread."""
    world.engine.desk.leadership.resign()
    world.database.close()
    world.database = Database(f"sqlite:///{tmp_path}/toque.db")
    engine = Engine(world.database, lambda region: world.provider, world.services)
    world.database.on_commit = engine.wake
    with world.database.read() as conn:
        world.now = world.database.now(conn)
    engine.start()
    yield world
    engine.stop()


def test_an_instance_comes_up_by_itself(running: World) -> None:
    world = running
    world.instance("web-1")
    world.start("web-1")
    wait_for(lambda: world.status("web-1") is Status.BOOTING, "booting")

    with world.database.write() as conn:
        contacts.touch(conn, "web-1", "s-1", world.database.now(conn))

    wait_for(lambda: world.status("web-1") is Status.RUNNING_SETUP, "running_setup")
    assert [command.type for command in world.commands("web-1")] == ["setup"]


def test_a_provider_that_hangs_holds_up_nobody_else(running: World) -> None:
    world = running
    hung, launch = threading.Event(), world.provider.launch
    world.provider.launch = lambda order: (
        (hung.wait(30), launch(order))[1] if order.hostname == "hung" else launch(order)
    )  # type: ignore[method-assign]
    for id in ("hung", "fine"):
        world.instance(id)
        world.start(id)

    wait_for(lambda: world.status("fine") is Status.BOOTING, "the other one")

    assert world.status("hung") is Status.REQUESTED
    hung.set()
    wait_for(lambda: world.status("hung") is Status.BOOTING, "the slow one")


def test_a_turn_that_fails_is_survived(running: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = running
    failures = iter([True, True])
    real = instances.in_status

    def sometimes(conn: object, statuses: object) -> object:
        if next(failures, False):
            raise RuntimeError("the disk was full for a moment")
        return real(conn, statuses)  # type: ignore[arg-type]

    monkeypatch.setattr(instances, "in_status", sometimes)
    world.instance("web-1")
    world.start("web-1")

    wait_for(lambda: world.status("web-1") is Status.BOOTING, "booting")


def test_R19_a_leader_that_slept_writes_nothing_and_its_successor_begins_with_a_grace(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    sleeper, sleeping = world.engine, world.steady
    world.now += timedelta(seconds=20)
    world.steady += 20
    world.engine = world.server()
    world.engine.turn()
    assert world.engine.healer.is_in_grace(world.now)

    # The sleeper's steady clock stood still with it, so only the row can tell it that it does not lead.
    sleeper.desk.leadership._steady = lambda: sleeping
    with pytest.raises(NotLeading), sleeper.desk.leadership.write():
        pass
    sleeper.desk.leadership._steady = lambda: world.steady
    assert sleeper.turn() is False


def test_R19_two_servers_make_one_machine(world: World) -> None:
    other = world.server()
    world.instance("web-1")
    world.start("web-1")

    for _ in range(20):
        world.step()
        other.turn()

    assert list(world.provider.machines) == ["m-1"]
    assert world.status("web-1") is Status.ONLINE


def test_R18_the_last_look_sees_a_contact_that_came_after_the_decision(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    world.run(timedelta(minutes=6), step=10)
    world.cut_off.add("web-1")
    # Contacts of this process reach the loops before they reach the database; here one comes just in time.
    looks = iter(range(10_000))

    def just_in_time() -> dict[str, object]:
        heard = world.now - timedelta(seconds=400 if next(looks) % 2 == 0 else 0)
        return {"web-1": heard}

    world.services = replaced(world.services, last_contacts=just_in_time)  # type: ignore[arg-type]
    world.engine.desk = replaced(world.engine.desk, services=world.services)
    world.engine.healer._desk = world.engine.desk

    world.run(timedelta(minutes=10), step=10)

    assert "stopping" not in world.seen_statuses("web-1")
