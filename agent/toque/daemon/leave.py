"""Leaving a stack: identity, keys, caches and what the installer made are removed, the logs of the runs are kept."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from toque.daemon.state import State
from toque.protocol.durable import sync_directory, write_durably

log = logging.getLogger("toque.agent")


def wish(state: State) -> None:
    """Remember that this node is to leave: an agent that is killed from here on leaves when it starts again."""
    write_durably(state.left, b"deregistered\n")


def is_wished(state: State) -> bool:
    return state.left.exists()


def leave(state: State, log_dir: Path) -> None:
    """Forget whom this node belonged to. The identity goes first: whatever happens later, it is never used again.

    It can be called again where it was broken off. The last that goes may be the very program that runs this, so
    nothing is imported here after that.
    """
    wish(state)
    state.identity.unlink(missing_ok=True)
    sync_directory(state.root)
    keep_logs(state, log_dir)
    for each in state.root.iterdir():
        if each not in (state.left, state.installed, state.root / "agent.lock"):
            _remove(each)
    uninstall(state)
    for last in (state.installed, state.left, state.root / "agent.lock"):
        last.unlink(missing_ok=True)
    try:
        state.root.rmdir()
    except OSError as kept:
        log.info("%s stays: %s", state.root, kept.strerror)


def keep_logs(state: State, log_dir: Path) -> None:
    """Copy each run's log to `log_dir`/runs, where the next owner of this machine can read what was done to it."""
    target = log_dir / "runs"
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in state.runs.glob("*/log"):
        shutil.copyfile(each, target / f"{each.parent.name}.log")


def note_installed(state: State, paths: Iterable[str]) -> None:
    """Add to what is removed when this node leaves: files, directories, links, by their absolute paths.

    A later one goes first. A systemd unit (`….service`) is disabled before it is removed.
    """
    lines = dict.fromkeys([*_installed(state), *paths])
    write_durably(state.installed, "".join(f"{line}\n" for line in lines).encode(), mode=0o600)


def uninstall(state: State) -> None:
    """Remove what stands in the list of what was installed; what cannot be removed is said in the log, and stays."""
    units = False
    for line in reversed(_installed(state)):
        path = Path(line)
        if not path.is_absolute() or ".." in path.parts or len(path.parts) < 3:
            log.warning("%s is not removed: it is no absolute path below a top-level directory", line)
            continue
        if path.suffix == ".service":
            units = True
            _systemctl("disable", path.name)
        _remove(path)
    if units:
        _systemctl("daemon-reload")


def _installed(state: State) -> list[str]:
    try:
        return state.installed.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as wrong:
        log.warning("%s is not removed: %s", path, wrong.strerror)


def _systemctl(*words: str) -> None:
    try:
        done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as wrong:
        log.warning("systemctl %s: %s", " ".join(words), wrong)
        return
    if done.returncode:
        log.warning("systemctl %s: %s", " ".join(words), done.stderr.strip())
