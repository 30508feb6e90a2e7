"""A whole installation in a test's hand: a real database, the real loops, machines in memory, and a clock that waits.

Agents are as simple as can be: whoever's machine runs and is not cut off calls at every step, takes its next command,
and ends it as `exit_codes` says for the type (0 if nothing is said; None: it runs on).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import sqlalchemy as sa

from tests.fakes.provider import FakeProvider
from toque_server.domain import verbs
from toque_server.domain.actions import Action
from toque_server.domain.command import Command
from toque_server.domain.instance import Instance, Status
from toque_server.domain.instance_details import InstanceDetails
from toque_server.domain.layer import Layer
from toque_server.domain.stack import Stack
from toque_server.reconcile.apply import apply
from toque_server.reconcile.engine import Engine
from toque_server.reconcile.outcome import Outcome
from toque_server.reconcile.services import Services
from toque_server.settings import HealTimes, for_profile
from toque_server.store import commands, contacts, events, instances, service_errors
from toque_server.store.database import Database
from toque_server.store.documents import to_row
from toque_server.store.tables import layers, stacks

BEGIN = datetime(2030, 1, 7, 12, tzinfo=UTC)


class AtOnce(Executor):
    """Runs what it is given before it returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class World:
    """`migrated`: the schema stands already."""

    def __init__(
        self, url: str, data_dir: Path, *, profile: str = "default", migrated: bool = False, **settings: Any
    ) -> None:
        self.now = BEGIN
        self.steady = 0.0
        self.database = Database(url, clock=lambda: self.now)
        if not migrated:
            self.database.migrate()
        if self.database.is_sqlite:
            # These tests are about decisions; the disk has its own.
            raw = self.database.engine.raw_connection()
            raw.cursor().execute("PRAGMA synchronous = OFF")
            raw.close()
        self.provider = FakeProvider()
        self.cut_off: set[str] = set()
        self.exit_codes: dict[str, int | None] = {}
        self._ids = itertools.count(1)
        self.services = Services(
            settings=for_profile(profile, database=url, data_dir=data_dir, **settings),
            new_id=lambda: f"id-{next(self._ids)}",
            join_token=lambda instance: f"token for {instance.id}",
        )
        self.outcome = Outcome(self.services)
        self.engine = self.server()

    def server(self) -> Engine:
        """A new server process on the same database."""
        engine = Engine(
            self.database,
            lambda region: self.provider,
            self.services,
            executor=AtOnce(),
            steady=lambda: self.steady,
        )
        engine.healer._draw = Random(7)
        return engine

    def set_heal_times(self, times: HealTimes) -> None:
        self.services = replace(self.services, settings=msgspec.structs.replace(self.services.settings, heal=times))
        self.engine.desk.leadership.resign()
        self.engine = self.server()

    # -- what there is

    def stack(self, id: str = "s-1") -> str:
        made = Stack(
            id=id,
            name=id,
            slug=id,
            region="us-east-1",
            created_at=self.now,
            service_role_arn="arn:aws:iam::123456789012:role/r",
            default_instance_profile_arn="arn:aws:iam::123456789012:instance-profile/p",
        )
        with self.database.write() as conn:
            conn.execute(sa.insert(stacks).values(to_row(made, stacks)))
        return id

    def layer(self, id: str = "app", *, stack: str = "s-1", heals: bool = True) -> str:
        made = Layer(
            id=id,
            stack_id=stack,
            type="custom",
            name=id,
            shortname=id,
            created_at=self.now,
            enable_auto_healing=heals,
        )
        with self.database.write() as conn:
            conn.execute(sa.insert(layers).values(to_row(made, layers)))
        return id

    def instance(self, id: str, *, stack: str = "s-1", layer_ids: tuple[str, ...] = ("app",), **values: Any) -> str:
        facts: dict[str, Any] = {
            "status": Status.STOPPED,
            "since": self.now,
            "persistent": True,
            "infrastructure_class": "ec2",
            "provider": "fake",
            "created_at": self.now,
        }
        made = Instance(id=id, stack_id=stack, hostname=id, layer_ids=layer_ids, **facts | values)
        with self.database.write() as conn:
            instances.add(conn, made, InstanceDetails())
        return id

    def fleet(self, *ids: str, **values: Any) -> None:
        """Instances that are online and quiet."""
        for id in ids:
            self.instance(id, **values)
            self.start(id)
        self.until(lambda: all(self.status(id) is Status.ONLINE for id in ids), f"{ids} online")
        self.run(timedelta(seconds=90), step=10)

    # -- what operators do

    def start(self, id: str) -> None:
        self.act(lambda seen, queue: verbs.start(seen, self.services.new_id(), self.now), id)

    def stop(self, id: str, *, timeout: float = 120, force: bool = False) -> None:
        limit = timedelta(seconds=timeout)
        self.act(lambda seen, queue: verbs.stop(seen, queue, self.now, shutdown_timeout=limit, force=force), id)

    def act(self, verb: Callable[[Instance, list[Command]], list[Action]], id: str) -> None:
        with self.database.write() as conn:
            seen = instances.get(conn, id)
            assert seen is not None
            apply(conn, verb(seen, commands.open_of(conn, [id]).get(id, [])), self.now, self.services)

    def command(self, id: str, type: str, **values: Any) -> str:
        """Queue a command as a request of an operator does."""
        made = Command(
            id=self.services.new_id(),
            stack_id=self.get(id).stack_id,
            instance_id=id,
            cause_id="cause",
            type=type,
            created_at=self.now,
            **{"expires_at": self.now + timedelta(hours=1)} | values,
        )
        with self.database.write() as conn:
            commands.add(conn, made)
        return made.id

    # -- what time does

    def step(self, seconds: float = 0.25) -> None:
        """Let time pass, agents call, and the loops take a turn."""
        self.now += timedelta(seconds=seconds)
        self.steady += seconds
        self.agents()
        self.engine.turn()

    def run(self, length: timedelta, *, step: float = 1.0) -> None:
        end = self.now + length
        while self.now < end:
            self.step(step)

    def until(self, condition: Callable[[], bool], what: str, *, step: float = 0.25, steps: int = 400) -> None:
        for _ in range(steps):
            if condition():
                return
            self.step(step)
        raise AssertionError(f"waited in vain for: {what}; statuses are {self.statuses()}")

    def agents(self) -> None:
        with self.database.write() as conn:
            for each in instances.every(conn):
                alive = self.provider.is_running(each.machine_id) or not each.provider
                if alive and each.id not in self.cut_off and each.status is not Status.REQUESTED:
                    self._call(conn, each)

    def _call(self, conn: sa.Connection, each: Instance) -> None:
        contacts.touch(conn, each.id, each.stack_id, self.now)
        for running in commands.open_of(conn, [each.id]).get(each.id, []):
            if running.acknowledged_at is not None and running.aborted:
                self.outcome.settle(conn, running, exit_code=130, reason="aborted", at=self.now)
        command = commands.next_for(conn, each.id)
        if command is None:
            return
        number = commands.next_number(conn, each.id)
        commands.set_dispatched(conn, command, number=number, manifest_version=1, envelope=b"", at=self.now)
        commands.acknowledge(conn, command, self.now)
        code = self.exit_codes.get(command.type, 0)
        if code is not None:
            self.outcome.settle(conn, command, exit_code=code, reason="", at=self.now)

    # -- what is to be seen

    def get(self, id: str) -> Instance:
        with self.database.read() as conn:
            found = instances.get(conn, id)
        assert found is not None, f"there is no instance {id}"
        return found

    def status(self, id: str) -> Status:
        return self.get(id).status

    def statuses(self) -> Mapping[str, str]:
        with self.database.read() as conn:
            return {each.id: each.status.value for each in instances.every(conn)}

    def commands(self, id: str, type: str | None = None) -> list[Command]:
        """Oldest first."""
        with self.database.read() as conn:
            found = commands.of_instance(conn, id)[::-1]
        return [each for each in found if type in (None, each.type)]

    def seen_statuses(self, id: str) -> list[str]:
        """Every status that the instance had, in order, as the event stream tells it."""
        with self.database.read() as conn:
            return [
                event.data["status"]
                for event in events.listed(conn, events.Wanted(instance_id=id), limit=1000)[::-1]
                if event.kind == "instance.status"
            ]

    def events(self, kind: str) -> list[str]:
        with self.database.read() as conn:
            return [event.message for event in events.listed(conn, limit=5000)[::-1] if event.kind == kind]

    def service_errors(self, id: str) -> list[str]:
        with self.database.read() as conn:
            return [error.type for error in service_errors.of_instance(conn, id)]

    def die(self, ids: Iterable[str]) -> None:
        for id in ids:
            self.provider.die(self.get(id).machine_id or "")
