"""How one action is driven: what must be accepted, and one cause for each error that the model documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.server.conformance.world import World

Members = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """`minimal` and each of `fuller` are accepted, in this order; together they give every member of the input.

    `invalid` and `missing`: calls that are refused with a ValidationException, or a ResourceNotFoundException, whose
    message has the words beside it. `untried`: input members that no accepted call has, and why. `absent`: output
    members that no answer has here, and why. `never` is the word of the refusal where no call can be accepted.
    """

    minimal: Members
    fuller: Sequence[Members] = ()
    invalid: Sequence[tuple[Members, str]] = ()
    missing: Sequence[tuple[Members, str]] = ()
    untried: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    never: str = ""


CASES: dict[str, Callable[[World], Case]] = {}
NOWHERE = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has."""


def case(action: str) -> Callable[[Callable[[World], Case]], Callable[[World], Case]]:
    """Register a function that arranges a world and answers with the action's case."""

    def register(build: Callable[[World], Case]) -> Callable[[World], Case]:
        assert action not in CASES, f"{action} has two cases"
        CASES[action] = build
        return build

    return register


def one_of_them(example: Members) -> list[tuple[Members, str]]:
    """Ruling 6: an action with selectors wants exactly one. `example` has two that exclude each other."""
    return [({}, "Please provide"), (example, "Please provide")]


def given(members: Any, prefix: str = "") -> set[str]:
    """Every member of a call, as the model's paths name them; keys of maps are looked through."""
    found: set[str] = set()
    if isinstance(members, Mapping):
        for name, value in members.items():
            path = f"{prefix}.{name}" if prefix else name
            found |= {path} | given(value, path)
    elif isinstance(members, list):
        for one in members:
            found |= given(one, prefix)
    return found
