"""A small fleet for tests: stacks with a layer and instances, whose agents are simulated and whose server is real."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.agents import Agent
from toque_server.domain.command import Command
from toque_server.domain.instance import Instance, Status
from toque_server.domain.instance_details import InstanceDetails
from toque_server.domain.layer import Layer, LayerSecrets, Recipes
from toque_server.domain.stack import Stack, StackSecrets
from toque_server.http.dispatch import Settle
from toque_server.http.node import NodeApp
from toque_server.operations.context import Services
from toque_server.reconcile.outcome import Outcome
from toque_server.reconcile.services import Services as LoopServices
from toque_server.store import commands, instances, join_tokens, layers, stacks

START = datetime(2026, 1, 1, tzinfo=UTC)


def settle_of(services: Services) -> Settle:
    """What ends commands in the server itself; no machine is started here, so there are no tokens to make."""
    return Outcome(
        LoopServices(settings=services.settings, new_id=services.new_id, join_token=lambda instance: "")
    ).settle


class Fleet:
    """Stacks, instances and agents by name; `app` is the server's side."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.database = services.database
        self.app = NodeApp(services, settle=settle_of(services))
        self.database.on_commit = self.app.wake
        self.app.start()
        self.agents: dict[str, Agent] = {}
        self._count = itertools.count(1)

    def close(self) -> None:
        self.database.on_commit = None
        self.app.stop()

    def stack(self, id: str, *, custom_json: str | None = None, recipes: Recipes | None = None, **rest: Any) -> None:
        """A stack with one custom layer `<id>-app` of short name `app`."""
        stack = Stack(
            id=id,
            name=id,
            slug=id,
            region="test",
            created_at=START,
            service_role_arn="arn:aws:iam::123456789012:role/r",
            default_instance_profile_arn="arn:aws:iam::123456789012:instance-profile/p",
            **rest,
        )
        layer = Layer(
            id=f"{id}-app",
            stack_id=id,
            type="custom",
            name="App",
            shortname="app",
            created_at=START,
            custom_recipes=recipes or Recipes(setup=("shop::setup",), deploy=("shop::deploy",)),
        )
        with self.database.write() as conn:
            stacks.add(conn, self.services.vault, stack, StackSecrets(custom_json=custom_json))
            layers.add(conn, self.services.vault, layer, LayerSecrets())

    def instance(self, stack_id: str, name: str, status: Status = Status.ONLINE) -> Agent:
        """An instance whose agent has joined."""
        with self.database.write() as conn:
            instances.add(
                conn,
                Instance(
                    id=name,
                    stack_id=stack_id,
                    hostname=name,
                    layer_ids=(f"{stack_id}-app",),
                    status=status,
                    since=START,
                    persistent=True,
                    infrastructure_class="ec2",
                    provider="sandbox",
                    created_at=START,
                ),
                InstanceDetails(os="Debian 12"),
            )
        agent = Agent(self.app)
        response = agent.enrol(self.token(stack_id, instance_id=name), hostname=name)
        assert response.status == 200, response.body
        self.agents[name] = agent
        return agent

    def token(self, stack_id: str, **rest: Any) -> Any:
        with self.database.write() as conn:
            return join_tokens.issue(
                conn,
                stack_id=stack_id,
                root_fingerprint=self.services.keys.root_fingerprint,
                at=self.database.now(conn),
                created_by="test",
                **rest,
            )

    def command(self, name: str, type: str = "configure", **rest: Any) -> str:
        """A command for an instance, waiting; the hub knows of it when this returns."""
        id = f"c-{next(self._count)}"
        with self.database.write() as conn:
            now = self.database.now(conn)
            instance = instances.get(conn, name)
            assert instance is not None
            made: dict[str, Any] = {
                "id": id,
                "stack_id": instance.stack_id,
                "instance_id": name,
                "cause_id": f"cause-{id}",
                "type": type,
                "created_at": now,
                "expires_at": now + timedelta(minutes=60),
            }
            commands.add(conn, Command(**made | rest))
        self.app.hub.look()
        return id

    def stored(self, command_id: str) -> Command:
        with self.database.read() as conn:
            command = commands.get(conn, command_id)
        assert command is not None
        return command


@contextmanager
def running(services: Services) -> Iterator[Fleet]:
    fleet = Fleet(services)
    try:
        yield fleet
    finally:
        fleet.close()


def eventually(holds: Callable[[], bool], *, within: float = 10.0) -> None:
    """Wait until something that another thread does has happened."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
