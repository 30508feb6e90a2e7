from __future__ import annotations

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, converge
from toque.resources.package_index import PackageIndex
from toque.testing.machine import FakeHost
from toque.testing.programs.apt import debian, debian_with

NEWS = {"git": "2.40"}


def test_lists_that_are_old_are_fetched_and_fresh_ones_left_alone() -> None:
    host = debian(lists={"git": "2.39"}, archive=NEWS, fresh=False)

    change = converge(PackageIndex(), host)

    assert change is not None
    assert host.ran[0].endswith(" update")
    assert converge(PackageIndex(), host) is None
    assert converge(PackageIndex(max_age=3600), host) is None


def test_it_counts_as_changed_only_if_what_was_fetched_is_new() -> None:
    host = debian(lists=dict(NEWS), archive=NEWS, fresh=False)

    assert converge(PackageIndex(max_age=0), host) is None
    assert any(line.endswith(" update") for line in host.ran)


def test_without_a_maximum_age_each_run_fetches() -> None:
    host = debian(archive=NEWS)

    for _ in range(2):
        converge(PackageIndex(max_age=0), host)

    assert len([line for line in host.ran if line.endswith(" update")]) == 2


def test_what_cannot_be_fetched_is_the_managers_own_message() -> None:
    with pytest.raises(CommandFailed, match="Could not get lock"):
        converge(PackageIndex(max_age=0), debian(busy=99))


def test_an_age_below_zero_is_refused() -> None:
    with pytest.raises(BadProperty, match="max_age must be seconds, 0 or more, got -1"):
        PackageIndex(max_age=-1)


def example_machine() -> FakeHost:
    return debian(fresh=False)


def test_S22_an_environment_that_no_program_can_have_is_refused() -> None:
    with pytest.raises(
        BadProperty, match="package_index environment must map names such as PORT to text; 'A B' does not"
    ):
        PackageIndex(environment={"A B": "x"})


CASES = [
    Case(PackageIndex(max_age=age), debian_with(lists=dict(lists), archive=NEWS, fresh=fresh))
    for age in (0, 86400)
    for lists, fresh in (({"git": "2.39"}, False), ({"git": "2.39"}, True))
]
