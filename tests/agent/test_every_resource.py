"""What holds for every resource, those not yet written included."""

from __future__ import annotations

import pkgutil
from copy import deepcopy
from importlib import import_module
from typing import Any, cast

import pytest

import toque.resources
from tests.agent.resources.case import Case
from toque.core import Host, ToqueError, converge, diff
from toque.core.planned import Planned, foretell
from toque.core.resource import REGISTRY
from toque.testing.machine import FakeHost

for module in pkgutil.iter_modules(toque.resources.__path__):
    import_module(f"toque.resources.{module.name}")


def cases_of(kind: str) -> list[Case]:
    cases: list[Case] = import_module(f"tests.agent.resources.test_{kind}").CASES
    assert cases, f"give tests/agent/resources/test_{kind}.py some CASES"
    return cases


CASES = [
    pytest.param(case, id=f"{kind}-{number}") for kind in sorted(REGISTRY) for number, case in enumerate(cases_of(kind))
]


@pytest.mark.parametrize("case", CASES)
def test_converging_twice_changes_nothing(case: Case) -> None:
    host = case.host()
    converge(case.want, host)

    assert converge(case.want, host) is None


@pytest.mark.parametrize("case", CASES)
def test_a_dry_run_says_what_a_run_does_and_touches_nothing(case: Case) -> None:
    rehearsed, performed = case.host(), case.host()

    said = converge(case.want, rehearsed, dry_run=True)
    done = converge(case.want, performed)

    assert said == done
    assert rehearsed.ran == []


class Liar:
    """A machine that says yes to every change, and forgets it at once."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._host, name)
        if not callable(real):
            return real

        def forgetful(*args: Any, **kwargs: Any) -> Any:
            before = deepcopy({key: value for key, value in vars(self._host).items() if key != "answers"})
            answer = real(*args, **kwargs)
            vars(self._host).update(before)
            return answer

        return forgetful


@pytest.mark.parametrize("case", CASES)
def test_a_machine_on_which_nothing_sticks_is_caught(case: Case) -> None:
    host = case.host()
    if not isinstance(host, FakeHost) or not case.want.can_look_again():
        return  # the disk of this machine cannot lie
    if converge(case.want, host, dry_run=True) is None:
        return

    try:
        converge(case.want, cast(Host, Liar(host)))
    except (ToqueError, OSError, KeyError):
        return  # the fake machine itself misses what it was just told
    # It was no liar: what these cases change is on the disk of this machine, or in a program of the test.
    seen = case.want.current(host)
    assert diff(seen, case.want.wanted(seen)) is None


@pytest.mark.parametrize("case", CASES)
def test_a_plan_never_believes_what_a_run_would_not_make(case: Case) -> None:
    host = case.host()
    change = converge(case.want, host, dry_run=True)
    plan = Planned(host)

    if change is not None:
        foretell(plan, case.want, change)
        try:
            seen = case.want.current(cast(Host, plan))
        except ToqueError:
            return  # the plan says that it does not know
        assert not plan.knows_something or diff(seen, case.want.wanted(seen)) is None
    assert host.ran == []


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_a_resource_has_a_manual_with_an_example(kind: str) -> None:
    manual = REGISTRY[kind].__doc__ or ""

    assert f"{kind}(" in manual, f"show in the docstring of {REGISTRY[kind].__name__} how to use {kind}(…)"
