from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from toque_server.cli.init import first_administrator
from toque_server.operations import identity
from toque_server.operations.context import Services
from toque_server.operations.errors import NotAuthenticated, ThrottlingException
from toque_server.security.envelope import Vault
from toque_server.settings import Settings
from toque_server.store import attempts, users
from toque_server.store.data_keys import DataKeys
from toque_server.store.database import Database

HERE = "192.0.2.1"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clocked(services_on_either: Services, clock: Clock) -> Services:
    url = services_on_either.database.url.render_as_string(hide_password=False)
    database = Database(url, clock=clock)
    # The vault must write through the same connection: on SQLite there is one.
    return replace(services_on_either, database=database, vault=Vault(bytes(32), DataKeys(database)))


@pytest.fixture
def password(clocked: Services) -> str:
    return first_administrator(clocked)["console_password"]


def test_who_has_the_password_gets_a_session(clocked: Services, password: str) -> None:
    session_id, opened = identity.sign_in(clocked, "admin", password, address=HERE)

    found = identity.session_of(clocked, session_id)

    assert found.user.name == "admin"
    assert found.csrf == opened.csrf


def test_S16_every_sign_in_has_a_new_id(clocked: Services, password: str) -> None:
    ids = {identity.sign_in(clocked, "admin", password, address=HERE)[0] for _ in range(2)}

    assert len(ids) == 2
    assert all(len(each) >= 43 for each in ids)


@pytest.mark.parametrize(("minutes", "alive"), [(29, True), (31, False)])
def test_S16_an_idle_session_ends_after_half_an_hour(
    clocked: Services, clock: Clock, password: str, minutes: int, alive: bool
) -> None:
    session_id, _ = identity.sign_in(clocked, "admin", password, address=HERE)

    clock.pass_(minutes=minutes)

    if alive:
        identity.session_of(clocked, session_id)
    else:
        with pytest.raises(NotAuthenticated, match="sign in again"):
            identity.session_of(clocked, session_id)


def test_S16_a_session_ends_after_twelve_hours_however_busy(clocked: Services, clock: Clock, password: str) -> None:
    session_id, _ = identity.sign_in(clocked, "admin", password, address=HERE)
    for _ in range(35):
        clock.pass_(minutes=20)
        identity.session_of(clocked, session_id)

    clock.pass_(minutes=25)

    with pytest.raises(NotAuthenticated):
        identity.session_of(clocked, session_id)


def test_S16_a_new_password_ends_every_session(clocked: Services, password: str) -> None:
    session_id, opened = identity.sign_in(clocked, "admin", password, address=HERE)

    identity.change_password(clocked, opened.user.arn, "another good one")

    with pytest.raises(NotAuthenticated):
        identity.session_of(clocked, session_id)
    identity.sign_in(clocked, "admin", "another good one", address=HERE)


def test_signing_out_ends_the_session(clocked: Services, password: str) -> None:
    session_id, _ = identity.sign_in(clocked, "admin", password, address=HERE)

    identity.sign_out(clocked, session_id)

    with pytest.raises(NotAuthenticated):
        identity.session_of(clocked, session_id)


def test_S23_a_wrong_name_and_a_wrong_password_answer_the_same(clocked: Services, password: str) -> None:
    said = set()
    for name, tried in (("admin", "wrong"), ("nobody", "wrong"), ("nobody", password)):
        with pytest.raises(NotAuthenticated) as refused:
            identity.sign_in(clocked, name, tried, address=HERE)
        said.add((refused.value.code, refused.value.message))

    assert len(said) == 1


@pytest.mark.parametrize("name", ["admin", "nobody"])
def test_S23_after_five_failures_even_the_right_password_waits(
    clocked: Services, clock: Clock, password: str, name: str
) -> None:
    for _ in range(attempts.FREE):
        with pytest.raises(NotAuthenticated):
            identity.sign_in(clocked, name, "wrong", address=HERE)

    with pytest.raises(ThrottlingException, match="please wait"):
        identity.sign_in(clocked, name, password, address="198.51.100.7")

    clock.pass_(seconds=3)
    if name == "admin":
        identity.sign_in(clocked, name, password, address=HERE)


def test_S23_an_address_that_tries_many_names_waits(clocked: Services, password: str) -> None:
    with clocked.database.write() as conn:
        for _ in range(50):
            attempts.failed(conn, [f"address:{HERE}"], clocked.database.now(conn), free=50)

    with pytest.raises(ThrottlingException):
        identity.sign_in(clocked, "admin", password, address=HERE)
    identity.sign_in(clocked, "admin", password, address="198.51.100.7")


def test_S23_waits_grow_and_are_bounded() -> None:
    waits = [attempts.wait_after(failures).total_seconds() for failures in range(40)]

    assert waits[:8] == [0, 0, 0, 0, 0, 2, 4, 8]
    assert waits == sorted(waits)
    assert waits[-1] == 15 * 60


def test_S12_no_secret_of_a_user_stands_in_the_database(services: Services, settings: Settings) -> None:
    secrets = first_administrator(services)
    session_id, _ = identity.sign_in(services, "admin", secrets["console_password"], address=HERE)
    services.database.close()

    stored = b"".join(path.read_bytes() for path in settings.data_dir.glob("toque.db*"))

    for secret in (*(secrets[name] for name in ("console_password", "secret_access_key", "api_token")), session_id):
        assert secret.encode() not in stored


def test_a_user_who_is_deleted_has_no_way_in(clocked: Services, password: str) -> None:
    session_id, opened = identity.sign_in(clocked, "admin", password, address=HERE)
    with clocked.database.write() as conn:
        users.remove(conn, opened.user.arn)

    with pytest.raises(NotAuthenticated):
        identity.session_of(clocked, session_id)
