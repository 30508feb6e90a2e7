"""Leaving a stack: identity, keys and caches are removed, the logs of the runs are kept."""

from __future__ import annotations

import shutil
from pathlib import Path

from toque.daemon.state import State
from toque.protocol.durable import sync_directory


def leave(state: State, log_dir: Path) -> None:
    """Forget whom this node belonged to. The identity goes first: whatever happens later, it is never used again."""
    state.identity.unlink(missing_ok=True)
    sync_directory(state.root)
    keep_logs(state, log_dir)
    for each in state.root.iterdir():
        if each.name == "agent.lock":
            continue
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)


def keep_logs(state: State, log_dir: Path) -> None:
    """Copy each run's log to `log_dir`/runs, where the next owner of this machine can read what was done to it."""
    target = log_dir / "runs"
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for log in state.runs.glob("*/log"):
        shutil.copyfile(log, target / f"{log.parent.name}.log")
