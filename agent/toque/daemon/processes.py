"""The processes that descend from this one: found, and ended to the last (R9)."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path
from typing import Final

_SET_PDEATHSIG: Final = 1
_SET_CHILD_SUBREAPER: Final = 36
_GRACE: Final = 3.0


def become_subreaper() -> None:
    """From now on orphans among the descendants become children of this process instead of getting away."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """This process is killed when its parent ends: a run whose shim was killed has nobody to tell how it ends."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)


def forget_oom_protection() -> None:
    """The service is protected from the kernel's low-memory killer; a run is not: it may be what eats the memory."""
    try:
        Path("/proc/self/oom_score_adj").write_text("0")
    except OSError:
        pass


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def descendants(root: int) -> set[int]:
    """Every living process below `root`, which must be a subreaper for this to find all; zombies do not count."""
    children: dict[int, list[int]] = {}
    zombies: set[int] = set()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            # The command's name stands in parentheses and may hold anything, so the fields are counted after it.
            fields = Path(f"/proc/{entry.name}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] in {b"Z", b"X"}:
            zombies.add(int(entry.name))
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    todo = [root]
    while todo:
        for child in children.get(todo.pop(), ()):
            if child not in found:
                found.add(child)
                todo.append(child)
    return found - zombies


def end_descendants(kill_group: Path | None = None) -> None:
    """End every descendant: asked first, killed after three seconds, until none is left.

    They are stopped before they are killed, so that a fork bomb cannot outrun the killing. `kill_group` is the
    `cgroup.kill` of the run's cgroup, where there is one.
    """
    _signal(descendants(os.getpid()), signal.SIGTERM)
    patience = time.monotonic() + _GRACE
    while descendants(os.getpid()) and time.monotonic() < patience:
        reap()
        time.sleep(0.02)
    while found := descendants(os.getpid()):
        if kill_group is not None:
            try:
                kill_group.write_text("1")
            except OSError:
                kill_group = None
        _signal(found, signal.SIGSTOP)
        _signal(found, signal.SIGKILL)
        reap()
        time.sleep(0.01)


def reap() -> dict[int, int]:
    """Collect children that have ended: pid to wait status."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
