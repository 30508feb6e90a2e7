"""A server of one test, and the last boto3 in front of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.server.http import serving
from tests.server.operations.calls import PROFILE, ROLE, Caller
from toque_server.cli.init import first_administrator
from toque_server.domain.permission import Principal
from toque_server.operations.context import Services
from toque_server.reconcile.outcome import Outcome
from toque_server.reconcile.services import Services as LoopServices
from toque_server.store import commands


class Refused(Exception):
    """The server, or boto3 itself, refused a call."""

    def __init__(self, code: str, message: str, status: int, typed: str | None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.typed = code, message, status, typed


class Boto3:
    """The process in which the last boto3 runs. One for a whole run of tests; close it at the end."""

    def __init__(self, python: Path) -> None:
        script = Path(__file__).with_name("last_boto3.py")
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
        self._process = subprocess.Popen(
            [python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.model = self.ask(do="model")["answer"]

    def ask(self, **question: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "boto3's process ended"
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Refused(**answer["error"])
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        # At its end it frees the model of a whole service, which on a busy machine takes a while.
        self._process.kill()
        self._process.wait()


@dataclass
class World:
    """A server on loopback, whose owner calls it through boto3: `w("CreateStack", Name=…)`.

    `inside` calls the same operations without a wire, to arrange what no call can: the statuses of instances.
    """

    boto: Boto3
    url: str
    secrets: dict[str, str]
    services: Services
    inside: Caller
    shown: set[str] = field(default_factory=set)
    """The members that any answer of this world had."""

    def __call__(self, operation: str, /, *, checked: bool = True, target: str | None = None, **members: Any) -> Any:
        answer = self._ask(do="call", operation=operation, members=members, checked=checked, target=target)
        self.shown |= {f"{operation}.{path}" for path in _paths(answer)}
        return answer

    def wait(self, waiter: str, *, attempts: int = 3, **members: Any) -> None:
        """Wait with boto3's own waiter, without its pauses."""
        self._ask(do="wait", waiter=waiter, members=members, delay=0, attempts=attempts)

    def pages(self, operation: str, **members: Any) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = self._ask(do="pages", operation=operation, members=members)
        return pages

    def with_keys(self, key: str, secret: str) -> World:
        """The same server as somebody else sees it."""
        keys = {"access_key_id": key, "secret_access_key": secret}
        return World(self.boto, self.url, self.secrets | keys, self.services, self.inside)

    def _ask(self, **question: Any) -> Any:
        who = {"key": self.secrets["access_key_id"], "secret": self.secrets["secret_access_key"]}
        said = self.boto.ask(url=self.url, **who, **question)
        against = said["against_the_model"]
        assert not against, against
        return said["answer"]

    def stack(self, **members: Any) -> str:
        given = {"Name": "shop", "Region": "local", "ServiceRoleArn": ROLE, "DefaultInstanceProfileArn": PROFILE}
        return str(self("CreateStack", **given | members)["StackId"])

    def layer(self, stack_id: str, shortname: str = "front", **members: Any) -> str:
        given = {"StackId": stack_id, "Type": "custom", "Name": shortname, "Shortname": shortname}
        return str(self("CreateLayer", **given | members)["LayerId"])

    def instance(self, stack_id: str, *layer_ids: str, **members: Any) -> str:
        given = {"StackId": stack_id, "LayerIds": list(layer_ids), "InstanceType": "small"}
        return str(self("CreateInstance", **given | members)["InstanceId"])

    def app(self, stack_id: str, **members: Any) -> str:
        return str(self("CreateApp", **{"StackId": stack_id, "Name": "Guestbook", "Type": "other"} | members)["AppId"])

    def end(self, deployment_id: str, *, exit_code: int) -> None:
        """End every command of a deployment, as their agents' results would."""
        services = self.services
        loops = LoopServices(settings=services.settings, new_id=services.new_id, join_token=lambda _: "")
        with services.database.write() as conn:
            now = services.database.now(conn)
            for command in commands.of_deployment(conn, deployment_id):
                assert Outcome(loops).settle(conn, command, exit_code=exit_code, reason="", at=now)

    def user(self, name: str = "ann", **members: Any) -> str:
        arn = f"arn:aws:iam::123456789012:user/{name}"
        self("CreateUserProfile", **{"IamUserArn": arn} | members)
        return arn


@contextmanager
def served(boto: Boto3, services: Services) -> Iterator[World]:
    """Serve `services` on loopback for as long as the block lasts."""
    secrets = first_administrator(services)
    owner = Principal(arn="arn:aws:iam::123456789012:root", name="admin", administrator=True)
    with serving.served(services) as url:
        yield World(boto, url, secrets, services, Caller(services, owner))


def _paths(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _paths(one, prefix)
    elif isinstance(value, dict):
        for name, one in value.items():
            path = f"{prefix}.{name}" if prefix else name
            yield path
            yield from _paths(one, path)
