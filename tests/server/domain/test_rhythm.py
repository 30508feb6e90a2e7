"""The contact rhythm of ruling 5 and the back-off of R20."""

from __future__ import annotations

import pytest

from toque_server.domain.rhythm import Rhythm, backoff_cap, interval, jittered, retry_after

RHYTHM = Rhythm(per_second=1000.0)


@pytest.mark.parametrize(("nodes", "seconds"), [(0, 2.0), (2000, 2.0), (30_000, 30.0), (100_000, 60.0)])
def test_ruling_5_the_interval_follows_the_number_of_nodes_between_2_and_60_seconds(nodes: int, seconds: float) -> None:
    assert interval(RHYTHM, nodes, busy=False) == seconds


def test_ruling_5_a_node_with_something_to_do_polls_every_second() -> None:
    assert interval(RHYTHM, 100_000, busy=True) == 1.0


def test_ruling_5_the_jitter_is_ten_percent() -> None:
    assert (jittered(10.0, 0.0), jittered(10.0, 0.5), jittered(10.0, 1.0)) == (9.0, 10.0, 11.0)


@pytest.mark.parametrize(("nodes", "seconds"), [(1000, 60.0), (100_000, 130.0), (1_000_000, 300.0)])
def test_R20_the_back_off_cap_grows_with_the_fleet_to_300_seconds(nodes: int, seconds: float) -> None:
    assert backoff_cap(RHYTHM, nodes) == pytest.approx(seconds)


def test_R21_retry_after_is_spread() -> None:
    assert (retry_after(RHYTHM, 100_000, 0.0), retry_after(RHYTHM, 100_000, 1.0)) == (5, 130)
