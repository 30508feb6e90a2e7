from __future__ import annotations

from toque.sandbox.restart import pause


def test_an_agent_that_had_settled_is_started_again_within_a_second() -> None:
    assert pause(3600.0, 8.0) < 1.0


def test_so_is_one_that_dies_for_the_first_time() -> None:
    assert pause(0.1, 0.0) < 1.0


def test_one_that_keeps_dying_is_given_longer_and_longer_but_never_more_than_contact_allows() -> None:
    waits = [0.0]
    for _ in range(20):
        waits.append(pause(0.1, waits[-1]))

    assert waits == sorted(waits)
    assert 4.0 < waits[-1] < 10.0
