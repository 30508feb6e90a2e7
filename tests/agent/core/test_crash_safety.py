"""A run that is killed at any point, and the next one: what is owed is delivered, and once.

Each run is a process of its own. It is killed (`os._exit`, so nothing is tidied up) right before or after one of the
things that it does to the machine or to its ledger, every one of them in turn. Only where the action was taken and the
process died before it could write that down, the next run takes it again: better twice than never.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agent.core.telling import daemon
from toque import execute, file, on_change
from toque.core import LocalHost, Run
from toque.core.ledger import Ledger

KILLED, ENDED = 137, 0


class Killer:
    """Ends the process at one of the points that it passes; counts them when it is to end at none."""

    def __init__(self, at: int | None) -> None:
        self._at, self.passed = at, list[str]()

    def around(self, owner: type[Any], name: str) -> None:
        real = getattr(owner, name)

        def watched(this: Any, *args: Any, **kwargs: Any) -> Any:
            self._pass(f"before {name} {_about(args)}")
            answer = real(this, *args, **kwargs)
            self._pass(f"after {name} {_about(args)}")
            return answer

        setattr(owner, name, watched)

    def _pass(self, point: str) -> None:
        self.passed.append(point)
        if len(self.passed) - 1 == self._at:
            os._exit(KILLED)


def _about(args: tuple[Any, ...]) -> str:
    return str(args[0]) if args else ""


def in_a_process(root: Path, recipe: Callable[[Path], None], at: int | None) -> tuple[int, list[str]]:
    """Carry out a run in a process that dies at a point; answers how it ended and the points it passed."""
    told = root / "passed"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            killer = Killer(at)
            for owner, name in ((LocalHost, "write"), (LocalHost, "run"), (Ledger, "_write"), (Ledger, "clear")):
                killer.around(owner, name)
            with Run(LocalHost(), ledger=Ledger(root / "ledger")):
                recipe(root)
            told.write_text("\n".join(killer.passed))
            code = ENDED
        except BaseException:  # noqa: BLE001 (a forked child must not return into pytest)
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), told.read_text().splitlines() if told.exists() else []


def _telling(root: Path, what: str) -> Any:
    return execute(["sh", "-c", f"echo {what} >> {root}/told"], when_told=True)


def notify(root: Path) -> None:
    file(f"{root}/conf", content="x", notify=[_telling(root, "reload").run])


def notify_now(root: Path) -> None:
    file(f"{root}/conf", content="x", notify_now=[_telling(root, "reload").run])
    file(f"{root}/after", content="x")


def from_outside(root: Path) -> None:
    conf = file(f"{root}/conf", content="x")
    on_change(conf, _telling(root, "reload").run)


def restart_on(root: Path) -> None:
    conf = file(f"{root}/conf", content="x")
    daemon(f"{root}/told", restart_on=[conf])
    file(f"{root}/after", content="x")


def two_of_them(root: Path) -> None:
    told = _telling(root, "reload")
    file(f"{root}/conf", content="x", notify=[told.run])
    file(f"{root}/more", content="x", notify=[told.run])


RECIPES = [notify, notify_now, from_outside, restart_on, two_of_them]


def told(root: Path) -> list[str]:
    path = root / "told"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda each: each.__name__)
def test_what_a_killed_run_owes_is_delivered_by_the_next(tmp_path: Path, recipe: Callable[[Path], None]) -> None:
    (tmp_path / "whole").mkdir()
    code, points = in_a_process(tmp_path / "whole", recipe, None)
    assert (code, len(told(tmp_path / "whole"))) == (ENDED, 1)
    assert len(points) >= 8

    for at, point in enumerate(points):
        root = tmp_path / f"killed-{at}"
        root.mkdir()
        assert in_a_process(root, recipe, at)[0] == KILLED
        before = len(told(root))
        assert in_a_process(root, recipe, None)[0] == ENDED
        unwritten = before == 1 and ("after run" in point or "before _write {'delivered'" in point)
        assert len(told(root)) == (2 if unwritten else 1), f"killed {point}"
        assert in_a_process(root, recipe, None)[0] == ENDED
        assert len(told(root)) == (2 if unwritten else 1), f"a third run, killed {point}"
        assert not (root / "ledger").exists()


@pytest.mark.parametrize("recipe", [notify], ids=["notify"])
def test_a_run_of_other_recipes_delivers_what_was_put_off(tmp_path: Path, recipe: Callable[[Path], None]) -> None:
    (tmp_path / "whole").mkdir()
    points = in_a_process(tmp_path / "whole", recipe, None)[1]

    for at, point in enumerate(points):
        root = tmp_path / f"killed-{at}"
        root.mkdir()
        in_a_process(root, recipe, at)
        in_a_process(root, lambda root: None, None)
        in_a_process(root, recipe, None)
        in_a_process(root, recipe, None)
        assert len(told(root)) in (1, 2 if "after run" in point or "delivered" in point else 1), f"killed {point}"


def test_a_change_that_failed_is_nothing_to_react_to(tmp_path: Path) -> None:
    def fails(root: Path) -> None:
        file(f"{root}/no/conf", content="x", ignore_failure=True, notify=[_telling(root, "reload").run])

    def right(root: Path) -> None:
        (root / "no").mkdir(exist_ok=True)
        (root / "no" / "conf").write_text("x")
        fails(root)

    assert in_a_process(tmp_path, fails, None)[0] == ENDED
    assert in_a_process(tmp_path, right, None)[0] == ENDED
    assert told(tmp_path) == []
