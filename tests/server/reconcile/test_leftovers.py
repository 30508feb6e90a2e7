from __future__ import annotations

from concurrent.futures import Executor, Future
from datetime import timedelta
from typing import Any

from tests.fakes.provider import FakeProvider
from tests.server.made import NOW, instance
from toque_server.providers import LaunchOrder, ProviderError
from toque_server.reconcile.leadership import Leadership
from toque_server.reconcile.leftovers import Sweeper
from toque_server.store import leftovers
from toque_server.store.database import Database


class AtOnce(Executor):
    """Runs what it is given in the calling thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def order() -> LaunchOrder:
    return LaunchOrder(
        request_id="r-1",
        instance_id="web-1",
        stack_id="s-1",
        hostname="web-1",
        os="",
        instance_type="",
        persistent=True,
        server_url="",
        join_token="",
        ca_file=None,
    )


def sweeper(database: Database, provider: FakeProvider, *, machine_id: str) -> Sweeper:
    leadership = Leadership(database, "me")
    assert leadership.keep()
    with database.write() as conn:
        leftovers.add(conn, instance(machine_id=machine_id), region="local", at=NOW - timedelta(hours=1))
    return Sweeper(database, leadership, lambda _region: provider, AtOnce())


def left(database: Database) -> int:
    with database.read() as conn:
        return len(leftovers.every(conn))


def test_the_machine_of_a_deleted_instance_is_terminated(either: Database) -> None:
    provider = FakeProvider()
    machine_id = provider.launch(order())
    swept = sweeper(either, provider, machine_id=machine_id)

    assert swept.tick() is True

    assert provider.machines == {}
    assert left(either) == 0
    assert swept.tick() is False


def test_a_provider_that_refuses_is_asked_again(database: Database) -> None:
    provider = FakeProvider()
    machine_id = provider.launch(order())
    swept = sweeper(database, provider, machine_id=machine_id)
    provider.refuses = ProviderError("not now", retriable=True)

    swept.tick()
    assert left(database) == 1
    provider.refuses = None
    swept.tick()

    assert (left(database), provider.machines) == (0, {})


def test_a_machine_that_is_gone_already_is_forgotten(database: Database) -> None:
    swept = sweeper(database, FakeProvider(), machine_id="m-gone")

    swept.tick()

    assert left(database) == 0
