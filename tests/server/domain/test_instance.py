"""The table of an instance's states, questioned as a whole (chapter 03, sections 4 and 5)."""

from __future__ import annotations

import itertools

import pytest

from toque_server.domain.instance import INITIAL, MOVES, Status

S = Status


def reachable_from(*starts: Status) -> set[Status]:
    seen, todo = set[Status](), list(starts)
    while todo:
        if (here := todo.pop()) not in seen:
            seen.add(here)
            todo.extend(MOVES[here])
    return seen


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(MOVES) == set(Status) == reachable_from(*INITIAL)


def test_whatever_an_instance_is_it_can_come_to_rest_or_leave() -> None:
    assert all(reachable_from(status) & {S.STOPPED, S.DEREGISTERING} for status in Status)


@pytest.mark.parametrize(
    "walk",
    [
        "registering running_setup registered assigning running_setup online unassigning registered deregistering",
        "registering running_setup setup_failed running_setup registered",
        "assigning unassigning registered",
        "running_setup unassigning registered",
        "setup_failed unassigning registered",
        "registered connection_lost registered",
        "online deregistering",
        "setup_failed deregistering",
    ],
    ids=lambda walk: walk.replace(" ", "-"),
)
def test_08_10_5_the_ways_of_a_registered_machine(walk: str) -> None:
    steps = [Status(word) for word in walk.split()]

    assert all(after in MOVES[before] for before, after in itertools.pairwise(steps))


def test_only_machines_that_leave_end_in_deregistering() -> None:
    assert MOVES[S.DEREGISTERING] == frozenset()
    assert {status for status in Status if S.DEREGISTERING not in MOVES[status]} == {
        S.STOPPING,
        S.TERMINATING,
        S.TERMINATED,
        S.DEREGISTERING,
    }
