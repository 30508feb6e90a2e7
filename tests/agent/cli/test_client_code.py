"""The generated half of `toque.client` is what the declarations say."""

from __future__ import annotations

import pytest

import toque.client
from toque.cli import client_code
from toque.cli.declarations import operations
from toque.client.api import Api

FOLDER = client_code.FOLDER
MADE = client_code.files()


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_generated_file_is_fresh(name: str) -> None:
    assert (FOLDER / name).read_text() == MADE[name], "write it anew: python -m toque.cli.client_code"


def test_no_file_is_left_of_a_subject_that_is_gone() -> None:
    assert {f"api/{each.name}" for each in FOLDER.glob("api/*.py")} <= set(MADE)


def test_every_operation_is_a_method() -> None:
    assert {name.replace("-", "_") for name in operations()} <= set(dir(Api))


def test_every_public_name_can_be_imported() -> None:
    assert all(getattr(toque.client, name) is not None for name in toque.client.__all__)
