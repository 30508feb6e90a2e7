"""node.cpu: processors this node may use."""

from __future__ import annotations

import os
from pathlib import Path

from toque.core.node import Cpu


def collect(root: Path = Path("/")) -> Cpu:
    """`count` is what the scheduler lets this process use, less where a cgroup's quota allows less."""
    usable = len(os.sched_getaffinity(0))
    return Cpu(count=min(usable, quota(root) or usable), model=model(root), architecture=os.uname().machine)


def quota(root: Path) -> int | None:
    """Whole processors of the cgroup's quota, at least one; None when it has no quota."""
    try:
        limit, period = (root / "sys/fs/cgroup/cpu.max").read_text().split()[:2]
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(1, int(limit) // int(period))


def model(root: Path) -> str:
    try:
        lines = (root / "proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    named = (line.partition(":")[2].strip() for line in lines if line.lower().startswith(("model name", "cpu model")))
    return next(named, "")
