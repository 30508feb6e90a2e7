"""What became of each test, as JSON, for `toque cookbook test` to tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


class Outcomes:
    """Collects one entry per test: its name, passed, failed or skipped, and of a failure file, line and message."""

    def __init__(self) -> None:
        self._tests: dict[str, dict[str, Any]] = {}

    def add(self, item: pytest.Item, report: pytest.TestReport) -> None:
        known = self._tests.setdefault(report.nodeid, {"test": report.nodeid, "outcome": "passed", "seconds": 0.0})
        known["seconds"] = round(known["seconds"] + report.duration, 4)
        if report.outcome == "passed":
            return
        known["outcome"] = report.outcome
        path, line = _place(item, report)
        known |= {"file": path, "line": line, "message": report.longreprtext if report.failed else ""}

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(list(self._tests.values())), encoding="utf-8")


def _place(item: pytest.Item, report: pytest.TestReport) -> tuple[str, int]:
    """Where it failed, as pytest says it, else where the test begins."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.path), int(crash.lineno)
    return str(item.path), (item.location[1] or 0) + 1
