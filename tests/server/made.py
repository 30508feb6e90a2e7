"""Values for tests: an instance or a command that is ordinary except for what the test says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from toque_server.domain.command import Command
from toque_server.domain.instance import Instance, Status

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)


def instance(
    id: str = "web-1", status: Status = Status.ONLINE, *, layers: tuple[str, ...] = ("app",), **rest: Any
) -> Instance:
    facts: dict[str, Any] = {
        "stack_id": "s-1",
        "hostname": id,
        "since": LONG_AGO,
        "persistent": True,
        "infrastructure_class": "ec2",
        "provider": "fake",
        "machine_id": f"m-{id}",
        "created_at": LONG_AGO,
    }
    return Instance(id=id, status=status, layer_ids=layers, **facts | rest)


def command(id: str = "c-1", type: str = "deploy", *, instance_id: str = "web-1", **rest: Any) -> Command:
    facts: dict[str, Any] = {"stack_id": "s-1", "cause_id": "cause", "created_at": NOW}
    return Command(id=id, type=type, instance_id=instance_id, **facts | rest)
