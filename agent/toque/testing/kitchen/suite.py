"""One suite in the kitchen: create, converge, converge again, verify, break and repair, destroy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from toque.testing import pytests
from toque.testing.kitchen import drift
from toque.testing.kitchen.config import Suite
from toque.testing.kitchen.drift import Drift
from toque.testing.kitchen.driver import PYTHON, Machine, Sandbox
from toque.testing.world import snapshot

BASE = "/var/lib/toque/kitchen"
_RUN_SECONDS = 3600.0
_TESTINFRA = "pytest11.testinfra"
"""pytest-testinfra by the name under which it joins pytest."""

_LEFT_OUT = {"__pycache__", ".git", ".pytest_cache", ".mypy_cache", ".ruff_cache", "tests"}

FAILED, NOT_IDEMPOTENT, NOT_REPAIRED = 1, 3, 4
"""Exit codes of `toque cookbook test`; 2 is that of a wrong command line."""


class Tell(Protocol):
    """Where a suite says what it does."""

    def begin(self, suite: str, step: str) -> None: ...
    def end(self, suite: str, step: str, *, ok: bool, said: str, seconds: float) -> None: ...
    def more(self, text: str) -> None:
        """Lines for people, about the step that is going on or has just ended."""


@dataclass(frozen=True)
class Failure:
    """What went wrong, where, and what to do: for people (`text`) and for programs."""

    step: str
    text: str
    code: int
    resource: str = ""
    source: str = ""

    def values(self) -> dict[str, str]:
        return {"step": self.step, "text": self.text, "resource": self.resource, "source": self.source}


@dataclass
class Step:
    name: str
    ok: bool
    said: str
    seconds: float


@dataclass
class Served:
    """What became of a suite."""

    suite: str
    steps: list[Step] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    tests: list[dict[str, Any]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    kept: str = ""

    @property
    def code(self) -> int:
        return self.failures[0].code if self.failures else 0


class _Stop(Exception):
    """A step failed, and those after it make no sense."""


class Kitchen:
    """Serves one suite of the cookbook in `folder`; `cookbooks` are all that its recipes may need, by name."""

    def __init__(
        self,
        folder: Path,
        cookbooks: Mapping[str, Path],
        suite: Suite,
        machine: Machine,
        tell: Tell,
        output: IO[bytes] | None = None,
    ) -> None:
        self._folder, self._cookbooks, self._suite, self._machine = folder, dict(cookbooks), suite, machine
        self._tell, self._output = tell, output
        self._served = Served(suite.name)
        self._turn = 0

    def serve(self, *, seed: int | None, keep: bool) -> Served:
        """All steps, until one fails. The machine is gone afterwards, unless it is to be kept."""
        try:
            self._steps(seed)
        except _Stop:
            pass
        finally:
            if keep:
                self._served.kept = self._machine.how_to_enter()
            else:
                self._machine.destroy()
        return self._served

    def _steps(self, seed: int | None) -> None:
        with self._step("create") as said:
            self._machine.start(self._files())
            said("a clone of this machine" if isinstance(self._machine, Sandbox) else "")
        with self._step("converge") as said:
            first = self._converge("converge")
            said(_counts(first))
        with self._step("converge again") as said:
            self._must_rest("converge again", NOT_IDEMPOTENT)
            said("nothing changed")
        self._verify("verify")
        if seed is not None:
            self._break_and_repair(first, seed)

    # Steps

    def _converge(self, step: str, code: int = FAILED) -> dict[str, Any]:
        """One run of the recipes; its result. A run that fails stops the suite with its page."""
        turn = self._next()
        done = self._inside("converge", turn)
        result: dict[str, Any] | None = self._result(turn)
        if done.code != 0 or result is None:
            page = self._here(done.out.strip() + ("\n" + done.err.strip() if done.err.strip() else ""))
            failed = [each for each in (result or {}).get("resources", []) if each["status"] == "failed"]
            at = failed[-1] if failed else {}
            named = f"{at['word']}[{at['name']}]" if at else ""
            text = (
                f"the run failed with exit code {done.code} (--keep leaves the machine to look at):\n{_indented(page)}"
            )
            self._fail(step, text, code, named, self._here(str(at.get("source", ""))))
            raise _Stop
        return result

    def _must_rest(self, step: str, code: int) -> None:
        """A run must find nothing to do."""
        result = self._converge(step, code)
        changes = [each for each in result["resources"] if each["status"] == "changed"]
        for each in changes:
            text = (
                f"{each['word']}[{each['name']}] changed again: {', '.join(each['changed'])}; say how it can tell that "
                f"it is right (execute: creates=, unless= or a guard), or what else keeps changing it"
            )
            self._fail(step, text, code, f"{each['word']}[{each['name']}]", self._here(each["source"]))
        for act in result["actions"] if not changes else ():
            text = (
                f"{act['action']} was taken again ({act['because'] or 'called by the recipe'}): let a change bring it"
            )
            self._fail(step, text, code, act["action"].rpartition(".")[0], self._here(act["source"]))
        if changes or result["actions"]:
            raise _Stop

    def _verify(self, step: str) -> None:
        folder = self._folder / self._suite.verify
        if not (folder.is_dir() and any(folder.rglob("test_*.py"))):
            with self._step(step) as said:
                said(f"no tests in {self._suite.verify}")
            return
        pytests.needs("pytest", "testinfra")
        assert isinstance(self._machine, Sandbox)
        with self._step(step) as said:
            quiet = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", _TESTINFRA]
            kitchen = f"--toque-kitchen={self._machine.directory}"
            outcome = pytests.run(self._folder, [*quiet, kitchen, str(folder)], output=self._output)
            self._served.tests += [{**each, "step": step} for each in outcome.tests]
            said(outcome.summary)
            for each in outcome.failures:
                where = f"{each['file']}:{each['line']}"
                self._fail(step, f"{each['test']} failed", FAILED, "", where)
            if not outcome.ok and not outcome.failures:
                self._fail(step, f"{outcome.summary}; what it said stands above", FAILED)
            if not outcome.ok:
                raise _Stop

    def _break_and_repair(self, first: Mapping[str, Any], seed: int) -> None:
        with self._step("break") as said:
            drifts = self._break(drift.order(drift.candidates(first["resources"]), seed))
            self._served.broken = [str(each) for each in drifts]
            said(f"{'; '.join(self._served.broken) or 'nothing that could be broken'} (--seed {seed})")
        if not drifts:
            return
        with self._step("repair") as said:
            result = self._converge("repair", NOT_REPAIRED)
            changed = {(e["word"], e["name"]) for e in result["resources"] if e["status"] == "changed"}
            for each in drifts:
                if (each.word, each.name) not in changed:
                    text = f"{each}, and the run did not repair it; try it again with --break --seed {seed}"
                    self._fail("repair", text, NOT_REPAIRED, f"{each.word}[{each.name}]", self._here(each.source))
            if self._served.failures:
                raise _Stop
            self._must_rest("repair", NOT_REPAIRED)
            said(_counts(result))
        self._verify("verify the repair")

    def _break(self, drifts: list[Drift]) -> list[Drift]:
        """What was broken of these; where nothing could be, it is told why not."""
        turn = self._next()
        text = json.dumps([each.values() for each in drifts])
        script = 'umask 077; printf %s "$1" >"$2"'
        self._machine.execute(["/bin/sh", "-c", script, "sh", text, f"{BASE}/{turn}.drifts.json"], seconds=60)
        self._inside("break", turn)
        told = self._result(turn) or {"done": [], "problems": []}
        if not told["done"]:
            self._tell.more("\n".join(told["problems"]))
        return [Drift(**each) for each in told["done"]]

    # The machine

    def _files(self) -> dict[str, bytes]:
        """The cookbooks, and what is to be run in which world."""
        found = {
            f"{BASE}/cookbooks/{name}/{path.relative_to(root).as_posix()}": path.read_bytes()
            for name, root in self._cookbooks.items()
            for path in sorted(root.rglob("*"))
            if path.is_file() and not _LEFT_OUT & set(path.relative_to(root).parts)
        }
        suite = self._suite
        address = self._machine.address if isinstance(self._machine, Sandbox) else ""
        world = snapshot(
            suite.hostname,
            address,
            layers=suite.layers,
            attributes=suite.attributes,
            peers=suite.peers,
            apps=suite.apps,
            bags=suite.bags,
            command=suite.command,
            secrets=suite.secrets,
        )
        order = {"recipes": list(suite.recipes), "snapshot": world}
        return {**found, f"{BASE}/order.json": json.dumps(order).encode()}

    def _inside(self, verb: str, turn: str) -> Any:
        argv = [PYTHON, "-I", "-m", "toque.testing.kitchen.inside", verb, BASE, turn]
        return self._machine.execute(argv, seconds=_RUN_SECONDS)

    def _result(self, turn: str) -> Any:
        done = self._machine.execute(["cat", f"{BASE}/{turn}.json"], seconds=60)
        return json.loads(done.out) if done.code == 0 else None

    def _next(self) -> str:
        self._turn += 1
        return f"turn-{self._turn}"

    def _here(self, text: str) -> str:
        """The same text with paths of this machine in place of those inside."""
        for name, root in self._cookbooks.items():
            for inside in (f"{BASE}/cookbooks/{name}/", f"cookbooks/{name}/"):
                text = text.replace(inside, f"{root}/")
        return text

    # Telling

    @contextmanager
    def _step(self, name: str) -> Iterator[Callable[[str], None]]:
        """A step, told as it begins and as it ends; it failed when it added a failure or raised."""
        said: list[str] = []
        before, began = len(self._served.failures), time.perf_counter()
        self._tell.begin(self._suite.name, name)
        ok = False
        try:
            yield said.append
            ok = len(self._served.failures) == before
        finally:
            seconds, text = time.perf_counter() - began, "".join(said)
            self._served.steps.append(Step(name, ok, text, round(seconds, 3)))
            self._tell.end(self._suite.name, name, ok=ok, said=text, seconds=seconds)
            for each in self._served.failures[before:]:
                self._tell.more(f"{each.source}: {each.text}" if each.source else each.text)

    def _fail(self, step: str, text: str, code: int, resource: str = "", source: str = "") -> None:
        self._served.failures.append(Failure(step, text, code, resource, source))


def _counts(result: Mapping[str, Any]) -> str:
    changed = sum(each["status"] == "changed" for each in result["resources"])
    total = len(result["resources"])
    return f"{total} resource{'' if total == 1 else 's'}, {changed} changed"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
