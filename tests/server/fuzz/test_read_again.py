"""What is accepted can be read again: hostile text that gets in breaks no answer, no policy and no page."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given

from tests.server.fuzz.door import Door
from tests.server.fuzz.effort import effort
from tests.server.fuzz.inside import ACCOUNT, Inside
from tests.server.fuzz.kept import Kept
from tests.server.fuzz.mutations import Sent, has_texts, texts
from tests.server.fuzz.test_mutated import accepted
from tests.server.fuzz.worlds import NAMES
from toque.protocol.canonical import canonical
from toque_server.domain import bags
from toque_server.operations.errors import OperationError
from toque_server.operations.registry import OPERATIONS
from toque_server.store import world

CHANGING = [name for name in NAMES if OPERATIONS[name].changes]
READING = [name for name in NAMES if not OPERATIONS[name].changes]


@pytest.mark.parametrize("name", CHANGING)
def test_what_is_accepted_can_be_read_again(name: str, door: Door) -> None:
    op, calls = OPERATIONS[name], accepted(name, door)
    if not has_texts(op, calls):
        return

    @effort(3)
    @given(texts(op, calls))
    def ask(sent: Sent) -> None:
        kept.put_back()
        if door.aws(sent.target, sent.body).status == 200:
            read_everything(door, sent)

    with closing(Kept(door.services.database)) as kept:
        ask()


def read_everything(door: Door, sent: Sent) -> None:
    """Every operation that only reads, without members and of every stack; and what nodes are told."""
    caller = Inside(door).inside
    stacks = [stack["StackId"] for stack in caller("DescribeStacks")["Stacks"]]
    for members in ({}, *({"StackId": id} for id in stacks)):
        for name in READING:
            try:
                caller(name, **members)
            except OperationError:
                continue
    with door.services.database.read() as conn:
        for id in stacks:
            seen = world.load(conn, door.services.vault, id, account_id=ACCOUNT)
            assert seen is not None, f"{sent!r}"
            assert canonical(bags.public_parts(seen))
