"""Carry out a kept command once more, here and now; the server hears nothing of it (chapter 08, section 9)."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from toque.daemon.marks import Lock
from toque.daemon.recall import NoSuchRun, PastRun
from toque.daemon.state import State


def rerun(state: State, run: PastRun, replacement: dict[str, Any] | None = None) -> int:
    """Run the recipes of `run` in this process, its output on the terminal; its exit code.

    `replacement` is an object as `get_json` prints it: its `run_list` takes the place of the run's recipes, and
    everything else in it is laid over the attributes. Raises NoSuchRun when there is nothing to run, or when the agent
    is just running something.
    """
    if busy := _running(state):
        raise NoSuchRun(f"command {busy} runs at this moment: wait for it, or follow it with show_log --follow")
    if not (run.directory / "steps.json").exists():
        raise NoSuchRun(f"the {run.activity} of {run.date} had no recipes")
    directory = Path(tempfile.mkdtemp(prefix="rerun-", dir=state.root))
    try:
        shutil.copytree(run.directory / "cookbooks", directory / "cookbooks", symlinks=True)
        snapshot, steps = run.snapshot(show_secrets=True), run.steps()
        if replacement is not None:
            attributes = dict(replacement)
            recipes = [str(each).removeprefix("recipe[").removesuffix("]") for each in attributes.pop("run_list", [])]
            steps = [{"phase": "custom", "recipes": recipes}] if recipes else steps
            snapshot["levels"] = [*snapshot["levels"], ["deployment", attributes]]
        _write(directory / "snapshot.json", snapshot)
        _write(directory / "steps.json", steps)
        from toque.cookbook.execute import execute_run

        code = execute_run(directory, state=state.root)
        sys.stdout.flush()
        return code
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _running(state: State) -> str:
    for path in state.locks.iterdir():
        lock = Lock(path)
        try:
            if not lock.take():
                return path.name
        finally:
            lock.close()
    return ""


def _write(path: Path, value: Any) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(value))
