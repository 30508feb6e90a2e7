"""node.memory: how much this node has."""

from __future__ import annotations

from pathlib import Path

from toque.core.node import Memory


def collect(root: Path = Path("/")) -> Memory:
    """Of /proc/meminfo, and of the cgroup's limit where that is less."""
    kilobytes = {}
    for line in (root / "proc/meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        kilobytes[name] = int(rest.split()[0])
    total = kilobytes["MemTotal"] // 1024
    limit = _limit(root)
    return Memory(
        total_mb=total if limit is None else min(total, limit),
        available_mb=kilobytes.get("MemAvailable", kilobytes.get("MemFree", 0)) // 1024,
        swap_mb=kilobytes.get("SwapTotal", 0) // 1024,
    )


def _limit(root: Path) -> int | None:
    try:
        text = (root / "sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return None
    return int(text) // (1024 * 1024) if text.isdecimal() else None
