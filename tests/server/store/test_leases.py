"""Who leads (R19)."""

from __future__ import annotations

from datetime import timedelta

from tests.server.made import NOW
from toque_server.store import leases
from toque_server.store.database import Database

LENGTH = timedelta(seconds=15)


def acquire(database: Database, holder: str, after: float = 0) -> int | None:
    with database.write() as conn:
        return leases.acquire(conn, "loops", holder, now=NOW + timedelta(seconds=after), length=LENGTH)


def holds(database: Database, epoch: int, after: float) -> bool:
    with database.write() as conn:
        return leases.holds(conn, "loops", epoch, now=NOW + timedelta(seconds=after))


def test_R19_one_holder_renews_and_nobody_else_gets_in(either: Database) -> None:
    assert acquire(either, "a") == 1
    assert acquire(either, "b", after=10) is None
    assert acquire(either, "a", after=10) == 1
    assert acquire(either, "b", after=20) is None


def test_R19_a_holder_that_slept_finds_a_successor_with_a_higher_epoch(either: Database) -> None:
    slept = acquire(either, "a")
    successor = acquire(either, "b", after=16)
    assert slept is not None and successor is not None

    assert successor > slept
    assert not holds(either, slept, after=17)
    assert holds(either, successor, after=17)


def test_R19_a_lease_that_ran_out_is_not_held_even_if_nobody_took_it(either: Database) -> None:
    epoch = acquire(either, "a")

    assert epoch is not None and not holds(either, epoch, after=15)
    assert acquire(either, "a", after=16) == epoch + 1


def test_a_resigned_lease_is_free_at_once(either: Database) -> None:
    epoch = acquire(either, "a")
    assert epoch is not None
    with either.write() as conn:
        leases.release(conn, "loops", epoch, now=NOW)

    assert acquire(either, "b") == epoch + 1
