"""Bodies that two readers could read differently, or that nest without end, are refused (security.md 2.6)."""

from __future__ import annotations

import json

import pytest

from tests.server.http.fleet import Fleet
from toque.protocol.messages import ACK_PATH, POLL_PATH
from toque_server.http.strict_json import DEEPEST, NotStrict, check


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


@pytest.mark.parametrize("body", [b"{}", b'{"a":1,"b":{"a":1}}', b"[[],[]]", nested(DEEPEST), b"[" * 32 + b"]" * 32])
def test_ordinary_bodies_pass(body: bytes) -> None:
    check(body)


def test_many_brackets_beside_one_another_are_not_deep() -> None:
    check(json.dumps({"metrics": [{"minute": n} for n in range(60)], "problems": ["[{" * 100]}).encode())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a":1,"a":1}', "'a' stands twice"),
        (b'{"x":[{"b":1,"b":2}]}', "'b' stands twice"),
        (b'{"a":1,"\\u0061":2}', "'a' stands twice"),
        (nested(DEEPEST + 1), "deeper than 32"),
        (b"[" * 33 + b"]" * 33, "deeper than 32"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 32"),
    ],
)
def test_what_is_not_strict_is_refused_and_said(body: bytes, said: str) -> None:
    with pytest.raises(NotStrict, match=said):
        check(body)


@pytest.mark.parametrize("path", [POLL_PATH, ACK_PATH])
@pytest.mark.parametrize(
    "more",
    [b'"agent_version":"2","command_id":"c-2"', b'"x":' + b"[" * 40 + b"]" * 40, b'"x":' + b"[" * 5000 + b"]" * 5000],
)
def test_an_agents_request_is_refused_in_whole(fleet: Fleet, path: str, more: bytes) -> None:
    fleet.stack("s")
    agent = fleet.instance("s", "web")
    good = b'{"agent_version":"1","boot_id":"b","highest_dispatch":0,"command_id":"c-1","dispatch":1'

    answer = agent.post(path, good + b"," + more + b"}")

    assert (answer.status, json.loads(answer.body)["error"]) == (400, "malformed")
