"""Every operation, asked what is nearly right over both JSON wires: an answer that says what is wrong, and no change."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.conformance.case import Members
from tests.server.fuzz.door import AMZ_JSON, FORM, JSON, Door
from tests.server.fuzz.effort import effort
from tests.server.fuzz.judge import judge_api, judge_aws
from tests.server.fuzz.kept import Kept
from tests.server.fuzz.mutations import Sent, mutated
from tests.server.fuzz.worlds import NAMES, calls_of
from toque_server.operations.registry import OPERATIONS


@pytest.mark.parametrize("name", NAMES)
def test_one_mutation_is_answered_with_what_is_wrong_and_changes_nothing(name: str, door: Door) -> None:
    op, calls = OPERATIONS[name], accepted(name, door)

    @effort(10)
    @given(mutated(op, calls), st.booleans())
    def ask(sent: Sent, signed: bool) -> None:
        kept.put_back()
        if signed:
            answer = door.aws(sent.target, sent.body, AMZ_JSON if sent.content_type is None else sent.content_type)
        else:
            answer = door.api(name, sent.body, JSON if sent.content_type is None else sent.content_type)
        if signed and (sent.content_type or "").startswith(FORM):
            assert answer.content_type.startswith("text/xml"), "forms are the query protocol's"
        else:
            (judge_aws if signed else judge_api)(op, sent, answer, named=named)
        if answer.status != 200:
            assert not (changed := kept.differences()), f"{sent!r} -> {answer.text[:200]}, and changed {changed}"

    with closing(Kept(door.services.database)) as kept:
        # Where the world has no good call, a refusal may be about what was wrong before.
        named = door(name, **calls[0]).status == 200
        ask()


def accepted(name: str, door: Door) -> list[Members]:
    """The calls of an operation that are good; where this world cannot have one, what comes nearest."""
    calls = calls_of(name, door)
    with closing(Kept(door.services.database)) as kept:
        good = []
        for call in calls:
            good += [call] if door(name, **call).status == 200 else []
            kept.put_back()
    return good or calls
