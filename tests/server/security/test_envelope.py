from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toque_server.operations.context import Services
from toque_server.operations.rekey import remaining, rewrap_all
from toque_server.security import keys
from toque_server.security.envelope import CannotOpen, Vault
from toque_server.store.data_keys import DataKeys
from toque_server.store.database import Database

HERE = {"table": "apps", "row": "a-1", "column": "sealed", "scope": "s-1"}
ELSEWHERE = [
    HERE | {"table": "stacks"},
    HERE | {"row": "a-2"},
    HERE | {"column": "document"},
    HERE | {"row": "a-1\0sealed", "column": ""},
]


@pytest.fixture
def vault(either: Database) -> Vault:
    return Vault(os.urandom(32), DataKeys(either))


@given(plaintext=st.binary(max_size=500))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=20)
def test_what_is_sealed_opens_in_its_place(vault: Vault, plaintext: bytes) -> None:
    sealed = vault.seal(plaintext, **HERE)

    assert vault.open(sealed, **HERE) == plaintext
    assert len(plaintext) < 4 or plaintext not in sealed


@pytest.mark.parametrize("place", ELSEWHERE)
def test_S12_a_value_moved_to_another_row_or_column_does_not_open(vault: Vault, place: dict[str, str]) -> None:
    sealed = vault.seal(b"secret", **HERE)

    with pytest.raises(CannotOpen, match="another place, or damaged"):
        vault.open(sealed, **place)


def test_S12_a_value_moved_to_another_stack_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(b"secret", **HERE)
    vault.seal(b"other", **(HERE | {"scope": "s-2"}))

    with pytest.raises(CannotOpen):
        vault.open(sealed, **(HERE | {"scope": "s-2"}))
    with pytest.raises(CannotOpen, match="has no data key"):
        vault.open(sealed, **(HERE | {"scope": "s-3"}))


def test_another_master_key_opens_nothing_and_says_so(either: Database) -> None:
    sealed = Vault(os.urandom(32), DataKeys(either)).seal(b"secret", **HERE)

    with pytest.raises(CannotOpen, match="needs master key"):
        Vault(os.urandom(32), DataKeys(either)).open(sealed, **HERE)


def test_a_data_key_whose_transaction_was_rolled_back_is_not_used_again(either: Database) -> None:
    master = os.urandom(32)
    vault = Vault(master, DataKeys(either))
    with pytest.raises(ZeroDivisionError), either.write():
        vault.seal(b"lost", **HERE)
        raise ZeroDivisionError

    sealed = vault.seal(b"kept", **HERE)

    assert Vault(master, DataKeys(either)).open(sealed, **HERE) == b"kept"


def on_disk(database: Database, settings: object, directory: Path) -> Services:
    from toque_server.settings import Settings

    assert isinstance(settings, Settings)
    vault = Vault(keys.load_master(directory), DataKeys(database), masters=lambda: keys.load_masters(directory))
    return Services(database=database, settings=settings, vault=vault, keys=keys.load(directory))


@pytest.fixture
def installed(either: Database, settings: object, tmp_path: Path) -> Services:
    made = keys.make_keys()
    keys.save(tmp_path / "keys", made.running, made.master)
    return on_disk(either, settings, tmp_path / "keys")


def test_S12_a_new_master_key_opens_everything_and_the_old_one_nothing(
    installed: Services, settings: object, tmp_path: Path
) -> None:
    directory = tmp_path / "keys"
    places = [HERE | {"scope": f"s-{number}"} for number in range(250)]
    sealed = [installed.vault.seal(b"secret", **place) for place in places]
    old = keys.load_master(directory)

    keys.begin_rekey(directory)
    assert rewrap_all(installed) == 250
    assert remaining(installed) == 0
    keys.end_rekey(directory)

    fresh = on_disk(installed.database, settings, directory)
    assert {fresh.vault.open(each, **place) for each, place in zip(sealed, places, strict=True)} == {b"secret"}
    with pytest.raises(CannotOpen):
        Vault(old, DataKeys(installed.database)).open(sealed[0], **places[0])


def test_S12_a_running_server_follows_a_rekey_that_another_process_began(
    installed: Services, settings: object, tmp_path: Path
) -> None:
    directory = tmp_path / "keys"
    other = on_disk(installed.database, settings, directory)
    sealed = installed.vault.seal(b"secret", **HERE)

    keys.begin_rekey(directory)
    rewrap_all(other)

    assert installed.vault.open(sealed, **HERE) == b"secret"
    late = Vault(
        keys.load_master(directory, keys.FORMER),
        DataKeys(installed.database),
        masters=lambda: keys.load_masters(directory),
    )
    assert late.open(sealed, **HERE) == b"secret"


def test_S12_a_rekey_that_was_killed_goes_on_with_the_same_keys(installed: Services, tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    sealed = installed.vault.seal(b"secret", **HERE)

    keys.begin_rekey(directory)
    new = keys.load_master(directory)
    keys.begin_rekey(directory)

    assert keys.load_master(directory) == new
    rewrap_all(installed)
    assert installed.vault.open(sealed, **HERE) == b"secret"


def test_S12_a_rekey_killed_between_its_two_files_starts_over(installed: Services, tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    old = keys.load_master(directory)
    keys.save_master(directory, old, keys.FORMER)

    keys.begin_rekey(directory)

    assert keys.load_masters(directory)[1] == old
    assert keys.load_master(directory) != old
