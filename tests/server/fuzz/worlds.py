"""For each operation a world, and the calls that are good there: what the fuzz tests begin with.

The 74 actions of OpsWorks have theirs in `tests.server.conformance.cases`, our own in `tests.server.fuzz.own`.
"""

from __future__ import annotations

from tests.server.conformance.case import CASES, Members
from tests.server.conformance.cases import ACTIONS
from tests.server.fuzz import own
from tests.server.fuzz.door import Door
from tests.server.fuzz.inside import Inside
from toque_server.operations import registry

NAMES = sorted(registry.load())
"""Every operation there is."""


def calls_of(name: str, door: Door) -> list[Members]:
    """Arrange the world of an operation; answers with calls that are good there, each for itself."""
    inside = Inside(door)
    if name not in ACTIONS:
        return own.calls_of(name, inside)
    case = CASES[name](inside)
    return [case.minimal, *case.fuller]
