"""An agent's run that only plans: its run directory says so in its steps, and the run's log is the plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from toque import sandbox
from toque.cookbook.execute import execute_run
from toque.core.run import Run
from toque.preview.clone import Order, plan_on_clone
from toque.protocol.names import SOMETHING_TO_DO

NO_CLONE = "no_clone"


def plan(directory: Path) -> int:
    """A dry run; its exit code. Leaves `outcome.json` beside it, as every run does."""
    runs: list[Run] = []
    code = execute_run(directory, dry_run=True, prepare=runs.append)
    counts = runs[0].report.counts
    pending = bool(counts["changed"] + counts["unknown"] + counts["actions"])
    outcome = json.loads((directory / "outcome.json").read_bytes())
    _leave(directory, {**outcome, "releases": {}}, SOMETHING_TO_DO if code == 0 and pending else "")
    return code


def plan_in_clone(directory: Path) -> int:
    """The run for real, in a clone of this machine, and a list of what differs."""
    refusal = sandbox.ready()
    try:
        if refusal is not None:
            raise sandbox.SandboxError(str(refusal))
        found = plan_on_clone(Order(run=directory), _print)
    except sandbox.SandboxError as error:
        _print(f"toque: no clone can be made on this node: {error}")
        _print("toque: a plan without --clone is a dry run, and needs none")
        _leave(directory, {"exit_code": 1}, NO_CLONE)
        return 1
    _print(found.page())
    counts = {name: found.counts[name] for name in ("unchanged", "changed", "failed", "ignored")}
    reason = SOMETHING_TO_DO if found.anything and not found.exit_code else found.reason
    _leave(directory, {"exit_code": found.exit_code, "resources": counts, "releases": {}}, reason)
    return found.exit_code


def _leave(directory: Path, outcome: dict[str, Any], reason: str) -> None:
    text = json.dumps({**outcome, "reason": reason or outcome.get("reason", "")})
    (directory / "outcome.json").write_text(text, encoding="utf-8")


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a run's log is what it prints)
