"""The OpenAPI document is true: schemathesis asks every operation what it allows and what it does not (chapter 4.4)."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.fuzz.door import Door
from tests.server.fuzz.effort import effort
from tests.server.fuzz.worlds import NAMES

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


@cache
def _schema(app: Any) -> Any:
    return schemathesis.openapi.from_wsgi("/api/openapi.json", app)


@pytest.fixture
def served(door: Door) -> Served:
    return Served(_schema(door.client.application), {"Authorization": f"Bearer {door.secrets['api_token']}"})


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_answers_as_the_document_says(name: str, served: Served) -> None:
    operation = served.schema[f"/api/{name}"]["POST"]
    good, bad = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

    @effort(5)
    @given(st.one_of(good, bad))
    def ask(case: Any) -> None:
        case.call_and_validate(headers=served.headers, checks=CHECKS)

    ask()


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_wants_a_token(name: str, served: Served) -> None:
    case = served.schema[f"/api/{name}"]["POST"].Case(body={})

    assert case.call().status_code == 401
    assert case.call(headers={"Authorization": "Bearer tqa_wrong"}).status_code == 401
