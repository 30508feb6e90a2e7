"""Running pytest over the tests of a cookbook, in a process of its own, and what became of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import toque
from toque.core.errors import NotLoadable

PLUGIN = "toque.testing.plugin"
_NO_TESTS = 5
_SOME_FAILED = 1


@dataclass(frozen=True)
class Outcome:
    """pytest's exit code, and one entry per test: test, outcome, seconds, and of a failure file, line, message."""

    code: int
    tests: list[dict[str, Any]]

    @property
    def ok(self) -> bool:
        return self.code in (0, _NO_TESTS)

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [each for each in self.tests if each["outcome"] == "failed"]

    @property
    def summary(self) -> str:
        if self.code not in (0, _SOME_FAILED, _NO_TESTS):
            return f"pytest ended with exit code {self.code}"
        failed = f", {len(self.failures)} failed" if self.failures else ""
        passed = sum(each["outcome"] == "passed" for each in self.tests)
        return f"{passed} test{'' if passed == 1 else 's'} passed{failed}"


def needs(*packages: str) -> None:
    """Say how to install what is missing."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise NotLoadable(f"this needs {' and '.join(missing)}: pip install 'toque[authoring]'")


def run(folder: Path, arguments: Sequence[str], *, output: IO[bytes] | None = None) -> Outcome:
    """pytest with our plugin, in the cookbook's folder; it prints as it does on its own, or to `output`."""
    needs("pytest")
    path = os.pathsep.join([str(Path(toque.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as temporary:
        told = Path(temporary) / "outcomes.json"
        argv = [sys.executable, "-m", "pytest", "-p", PLUGIN, f"--toque-outcomes={told}", *arguments]
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(argv, cwd=folder, env=environment, stdout=output, check=False)
        tests = json.loads(told.read_text(encoding="utf-8")) if told.is_file() else []
    return Outcome(done.returncode, tests)
