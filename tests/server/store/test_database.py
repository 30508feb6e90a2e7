from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from toque_server.store.database import Database, DatabaseInUse
from toque_server.store.tables import installation


def write(database: Database, name: str, value: str = "x") -> None:
    with database.write() as conn:
        conn.execute(insert(installation).values(name=name, value=value))


def names(database: Database) -> list[str]:
    with database.read() as conn:
        return list(conn.execute(select(installation.c.name).order_by(installation.c.name)).scalars())


def test_what_is_written_can_be_read(either: Database) -> None:
    write(either, "a")

    assert names(either) == ["a"]


def test_a_transaction_that_raises_leaves_nothing(either: Database) -> None:
    with pytest.raises(ZeroDivisionError), either.write() as conn:
        conn.execute(insert(installation).values(name="a", value="x"))
        raise ZeroDivisionError

    assert names(either) == []


def test_a_write_inside_a_write_is_part_of_it(either: Database) -> None:
    with pytest.raises(ZeroDivisionError), either.write():
        write(either, "inner")
        assert names(either) == ["inner"]
        raise ZeroDivisionError

    assert names(either) == []


def test_a_reader_cannot_write(either: Database) -> None:
    from sqlalchemy.exc import DBAPIError

    with pytest.raises(DBAPIError), either.read() as conn:
        conn.execute(insert(installation).values(name="a", value="x"))


def test_a_read_is_one_snapshot_while_others_write(database: Database) -> None:
    with database.read() as conn:
        before = conn.execute(select(func.count()).select_from(installation)).scalar_one()
        other = threading.Thread(target=write, args=(database, "meanwhile"))
        other.start()
        other.join()
        after = conn.execute(select(func.count()).select_from(installation)).scalar_one()

    assert (before, after) == (0, 0)
    assert names(database) == ["meanwhile"]


def test_many_writers_take_turns(either: Database) -> None:
    def count_up() -> None:
        for _ in range(10):
            with either.write() as conn:
                now = conn.execute(
                    select(installation.c.value).where(installation.c.name == "n").with_for_update()
                ).scalar_one()
                conn.execute(installation.update().where(installation.c.name == "n").values(value=str(int(now) + 1)))

    write(either, "n", "0")
    threads = [threading.Thread(target=count_up) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    with either.read() as conn:
        assert conn.execute(select(installation.c.value)).scalar_one() == "80"


def test_what_waits_for_the_commit_runs_after_it_and_not_after_a_rollback(either: Database) -> None:
    seen: list[list[str]] = []
    with either.write():
        write(either, "a")
        either.after_commit(lambda: seen.append(names(either)))
        assert seen == []
    with pytest.raises(ZeroDivisionError), either.write():
        either.after_commit(lambda: seen.append(["never"]))
        raise ZeroDivisionError

    assert seen == [["a"]]


def test_R1_sqlite_writes_ahead_and_in_full(database: Database) -> None:
    with database.write() as conn:
        modes = [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]

    assert modes == ["wal", 2]


def test_R1_one_process_serves_a_sqlite_database(tmp_path: Path) -> None:
    first, second = (Database(f"sqlite:///{tmp_path}/toque.db") for _ in range(2))
    first.claim()

    with pytest.raises(DatabaseInUse, match=r"in use by process \d+"):
        second.claim()
    first.close()
    second.claim()
    second.close()


def test_foreign_keys_hold(either: Database) -> None:
    from sqlalchemy.exc import IntegrityError

    from toque_server.store.tables import permissions

    with pytest.raises(IntegrityError), either.write() as conn:
        conn.execute(
            insert(permissions).values(
                stack_id="none", user_arn="none", level="show", allow_ssh=False, allow_sudo=False
            )
        )


def test_time_is_aware_and_a_test_may_give_it(either: Database) -> None:
    fixed = datetime(2030, 1, 1, tzinfo=UTC)
    with either.read() as conn:
        assert either.now(conn).utcoffset() is not None
    stopped = Database(either.url.render_as_string(hide_password=False), clock=lambda: fixed)
    with stopped.read() as conn:
        assert stopped.now(conn) == fixed
    stopped.close()


def test_R12_a_full_disk_has_its_own_name_and_reads_go_on(database: Database) -> None:
    from toque_server.store.database import DiskFull

    write(database, "before")
    with database.write() as conn:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
    with database.engine.connect() as conn:
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(DiskFull):
        write(database, "big", "x" * 500_000)
    assert names(database) == ["before"]

    with database.engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA max_page_count = 1000000")
    write(database, "after")
    assert names(database) == ["after", "before"]


def test_a_url_that_is_no_database_is_refused() -> None:
    with pytest.raises(ValueError, match="give sqlite:////absolute/path"):
        Database("mysql://here/there")


def test_sqlite_in_another_process_waits_for_the_lock(database: Database, tmp_path: Path) -> None:
    other = Database(database.url.render_as_string())
    with database.write() as conn:
        conn.execute(insert(installation).values(name="mine", value="x"))
        done = threading.Event()
        thread = threading.Thread(target=lambda: (write(other, "theirs"), done.set()))
        thread.start()
        assert not done.is_set()
    thread.join()
    other.close()

    assert names(database) == ["mine", "theirs"]
