"""Steps of figures over time, and what they say of many samples."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque_server.domain import measuring
from toque_server.domain.measuring import MOST_POINTS, Point, Summary, points, step_for


def test_the_examples_hold() -> None:
    assert doctest.testmod(measuring).failed == 0


@pytest.mark.parametrize(
    ("minutes", "step"), [(1, 60), (1440, 60), (1441, 300), (14 * 1440, 900), (90 * 1440, 6 * 3600)]
)
def test_the_step_is_the_smallest_that_fits(minutes: int, step: int) -> None:
    assert step_for(minutes) == step
    assert points(minutes, step) <= MOST_POINTS


def test_a_step_without_samples_has_no_point() -> None:
    summary = Summary(step=300)
    summary.add([(10, (1.0,)), (14, (3.0,)), (21, (8.0,))])

    assert list(summary.points()) == [
        Point(10, 2, (2.0,), (1.0,), (3.0,)),
        Point(20, 1, (8.0,), (8.0,), (8.0,)),
    ]


samples = st.tuples(st.integers(0, 30), st.tuples(st.integers(-1000, 1000).map(float), st.just(1.0)))


@given(st.lists(samples, max_size=60), st.integers(0, 60))
def test_in_parts_and_in_any_order_it_says_the_same(given_: list[tuple[int, tuple[float, float]]], cut: int) -> None:
    whole, parts = Summary(step=600), Summary(step=600)
    whole.add(given_)
    parts.add(given_[cut:][::-1])
    parts.add(given_[:cut])

    for one, other in zip(whole.points(), parts.points(), strict=True):
        assert (one.minute, one.samples, one.minimum, one.maximum) == (
            other.minute,
            other.samples,
            other.minimum,
            other.maximum,
        )
        assert one.average == pytest.approx(other.average)
        assert all(
            low <= mean <= high + 1e-9 for low, mean, high in zip(one.minimum, one.average, one.maximum, strict=True)
        )
