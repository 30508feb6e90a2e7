"""log: a line in the run's log."""

from __future__ import annotations

from typing import Literal

from toque.core.run import current_run


def log(message: str, *, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
    """Write a line to the run's log. It is no resource, and never a change; secrets in it are hidden.

    message   any text
    level     info is written as it is, the others with their name in front; debug only with TOQUE_DEBUG set

        log(f"{node.hostname} serves {len(node.apps)} apps")
    """
    import os

    if level == "debug" and not os.environ.get("TOQUE_DEBUG"):
        return
    report = current_run("log").report
    if level == "warning":
        report.warn(message)
    else:
        report.note(message if level == "info" else f"{level}: {message}")
