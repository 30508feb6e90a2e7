"""The OpenAPI document is true: schemathesis asks every operation what it allows and what it does not (chapter 4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import services_on
from tests.server.fuzz.door import opened
from tests.server.fuzz.effort import effort
from tests.server.fuzz.worlds import NAMES
from toque_server.security.keys import ServerKeys
from toque_server.settings import for_profile
from toque_server.store.database import Database

schemathesis = pytest.importorskip("schemathesis")
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi import checks  # noqa: E402

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
]


class Served(NamedTuple):
    schema: Any
    headers: dict[str, str]


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, server_keys: ServerKeys
) -> Iterator[Served]:
    """One server for all operations: what they make stays."""
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "toque.db").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{folder}/toque.db"
    database = Database(url)
    door = opened(services_on(database, for_profile("demo", database=url, data_dir=folder), server_keys))
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", door.client.application)
    yield Served(schema, {"Authorization": f"Bearer {door.secrets['api_token']}"})
    database.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_answers_as_the_document_says(name: str, served: Served) -> None:
    operation = served.schema[f"/api/{name}"]["POST"]
    good, bad = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

    @effort(6)
    @given(st.one_of(good, bad))
    def ask(case: Any) -> None:
        case.call_and_validate(headers=served.headers, checks=CHECKS)

    ask()


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_wants_a_token(name: str, served: Served) -> None:
    case = served.schema[f"/api/{name}"]["POST"].Case(body={})

    assert case.call().status_code == 401
    assert case.call(headers={"Authorization": "Bearer tqa_wrong"}).status_code == 401
