from __future__ import annotations

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, NotConverged, Run, converge
from toque.resources.block_of_python import BlockOfPython
from toque.testing.machine import FakeHost


def test_it_is_called_and_a_dry_run_only_says_so() -> None:
    called: list[str] = []

    converge(BlockOfPython("note it", lambda: called.append("x")), FakeHost(), dry_run=True)
    assert called == []
    converge(BlockOfPython("note it", lambda: called.append("x")), FakeHost())

    assert called == ["x"]


def test_what_is_done_is_not_done_again() -> None:
    done: list[str] = []
    block = BlockOfPython("note it", lambda: done.append("x"), unless=lambda: bool(done))

    assert converge(block, FakeHost()) is not None
    assert converge(block, FakeHost()) is None
    assert done == ["x"]


def test_a_function_that_does_not_do_it_is_an_error() -> None:
    with pytest.raises(NotConverged):
        converge(BlockOfPython("nothing", lambda: None, unless=lambda: False), FakeHost())


def test_one_that_waits_to_be_told_is_called_by_its_action() -> None:
    called: list[str] = []
    told = BlockOfPython("note it", lambda: called.append("x"), when_told=True)

    with Run(FakeHost()) as run:
        run.converge(told)
        assert called == []
        told.run()

    assert called == ["x"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb"], ids=["empty", "blank", "two lines"])
def test_a_name_says_in_a_line_what_it_does(name: str) -> None:
    with pytest.raises(BadProperty, match="one line"):
        BlockOfPython(name, print)


CASES = [Case(BlockOfPython("done", lambda: None, unless=lambda: True), FakeHost)]
