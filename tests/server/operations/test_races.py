"""Two who take the same thing at once, on PostgreSQL: one gets it, the other is told so in words."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import services_on
from tests.server.operations.calls import Caller
from toque_server.operations import registry
from toque_server.operations.context import Context
from toque_server.operations.errors import OperationError
from toque_server.security.keys import ServerKeys
from toque_server.settings import Settings
from toque_server.store.database import Database

DATABASE = {
    "RdsDbInstanceArn": "arn:aws:rds:eu-west-1:123456789012:db:shop",
    "DbUser": "u",
    "DbPassword": "p",
}
CLUSTER = {"EcsClusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c1"}


@pytest.fixture
def root(postgres: Database, settings: Settings, server_keys: ServerKeys) -> Caller:
    return Caller(services_on(postgres, settings, server_keys))


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("action", "members", "said"),
    [
        ("AttachElasticLoadBalancer", {"ElasticLoadBalancerName": "web-elb"}, "a layer of another stack"),
        ("RegisterRdsDbInstance", DATABASE, "registered with another stack"),
        ("RegisterEcsCluster", CLUSTER, "registered with another stack"),
    ],
    ids=["balancer", "database", "cluster"],
)
def test_the_slower_of_two_is_told_who_has_it(root: Caller, action: str, members: dict[str, Any], said: str) -> None:
    stacks = [root.stack(Name=name) for name in ("first", "second")]
    if action == "AttachElasticLoadBalancer":
        requests = [members | {"LayerId": root.layer(stack)} for stack in stacks]
    else:
        requests = [members | {"StackId": stack} for stack in stacks]
    refused: list[OperationError] = []

    def slower() -> None:
        try:
            root(action, **requests[1])
        except OperationError as error:
            refused.append(error)

    thread = threading.Thread(target=slower)
    op = registry.find(action)
    with root.services.database.write() as conn:
        ctx = Context(caller=root.principal, services=root.services).within(conn)
        op.run(ctx, registry.wire.decode(op.request, requests[0]))
        thread.start()
        wait_for_a_lock(root.services.database)
    thread.join(timeout=20)

    assert [type(each).__name__ for each in refused] == ["ValidationException"]
    assert said in str(refused[0])


def wait_for_a_lock(database: Database) -> None:
    """Until somebody waits for what this transaction holds."""
    deadline = time.monotonic() + 20
    with database.engine.connect() as conn:
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not conn.execute(waiting).scalar_one():
            assert time.monotonic() < deadline, "nobody waits for the other"
