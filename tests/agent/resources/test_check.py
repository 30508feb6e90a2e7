from __future__ import annotations

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Ran, ResourceFailed, Run, converge
from toque.core.resource import Outcome
from toque.resources.check import Check, CheckFailed
from toque.resources.file import File
from toque.testing.machine import FakeHost


def test_what_holds_is_no_change() -> None:
    assert converge(Check("the sky is up", holds=lambda: True), FakeHost()) is None
    assert converge(Check("true is true", holds=["true"]), FakeHost()) is None


def test_what_does_not_hold_is_said_with_what_to_do() -> None:
    with pytest.raises(CheckFailed, match="it does not hold that the disk is there: attach a volume"):
        converge(Check("the disk is there", holds=["test", "-e", "/dev/x"], hint="attach a volume"), FakeHost())


def test_the_first_line_of_the_program_says_why() -> None:
    class Probe:
        def look(self, argv: list[str], host: FakeHost) -> Ran | None:
            return Ran(code=2, err="no route\nto host\n") if argv == ["probe"] else None

        def do(self, argv: list[str], host: FakeHost) -> Ran | None:
            return None

    with pytest.raises(CheckFailed, match="that it answers: no route$"):
        converge(Check("it answers", holds=["probe"]), FakeHost(programs=[Probe()]))


def test_it_fails_a_plan_too() -> None:
    with pytest.raises(ResourceFailed), Run(FakeHost(), dry_run=True) as run:
        run.converge(Check("never", holds=lambda: False))


def test_after_a_change_a_plan_cannot_tell() -> None:
    with Run(FakeHost(), dry_run=True) as run:
        run.converge(File("/etc/motd", content="x"))
        outcome: Outcome = run.converge(Check("never", holds=lambda: False))

    assert outcome.status == "unknown"


def test_a_check_says_in_a_line_what_must_hold_and_how_to_look() -> None:
    with pytest.raises(BadProperty, match="one line"):
        Check("", holds=lambda: True)
    with pytest.raises(BadProperty, match="needs a program"):
        Check("x", holds=[])


CASES = [Case(Check("it holds", holds=["true"]), FakeHost)]
