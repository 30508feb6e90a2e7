"""The recipe's run inside the clone: it follows its order, logs into a file, and leaves what it knows at its end."""

from __future__ import annotations

import json
import os
import sys
from io import StringIO
from pathlib import Path
from typing import Any

from toque.cookbook.execute import apply_file, execute_run
from toque.core.run import Run
from toque.core.secret import known_secrets
from toque.preview.places import LOG, ORDER, RESULT, RUN


def main() -> int:
    order: dict[str, Any] = json.loads(Path(ORDER).read_text(encoding="utf-8"))
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.dont_write_bytecode = True  # the cookbooks' own folders are no part of what is planned
    lines, runs = StringIO(), list[Run]()

    def prepare(run: Run) -> None:
        runs.append(run)
        run.only_recorded = order["only_recorded"]

    with Path(LOG).open("a", encoding="utf-8", buffering=1) as log:
        if order["state"] is not None:
            code = execute_run(Path(RUN), state=_state(order["state"]), out=log, prepare=prepare)
            lines.write(Path(RUN, "report.jsonl").read_text(encoding="utf-8"))
        else:
            given = order["attributes"]
            code = apply_file(order["recipe"], dry_run=False, attributes=given, out=log, lines=lines, prepare=prepare)
    [run] = runs
    result = {
        "exit_code": code,
        "resources": [json.loads(line) for line in lines.getvalue().splitlines()],
        "counts": run.report.counts,
        "reason": _reason() if order["state"] is not None else "",
        "secrets": list(known_secrets()),
        "undisclosed": [
            resource.identity()
            for resource in run.declared
            if resource.sensitive or not getattr(resource, "show_diff", True) or hasattr(resource, "disguised")
        ],
    }
    descriptor = os.open(RESULT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return code


def _state(folder: str) -> Path:
    """Where the agent keeps what it remembers, or an empty place when the clone does not have that."""
    return Path(folder) if Path(folder).is_dir() else Path(RUN)


def _reason() -> str:
    """What an agent's run says of its end."""
    return str(json.loads(Path(RUN, "outcome.json").read_bytes())["reason"])


if __name__ == "__main__":
    sys.exit(main())
