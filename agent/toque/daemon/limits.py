"""A run's own cgroup, where one can be made: at most 4,096 processes and three quarters of the memory (R10)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOST_PROCESSES: Final = 4096
_MEMORY_SHARE: Final = 0.75
_ROOT: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Group:
    """The directories that make up a run's cgroup; none on a machine where they cannot be written."""

    directories: tuple[Path, ...]

    def join(self) -> None:
        """Move this process, and so all that it will start, into the group."""
        for directory in self.directories:
            (directory / "cgroup.procs").write_text(str(os.getpid()))

    @property
    def kill(self) -> Path | None:
        """The file that kills the group as a whole, on kernels that have it."""
        return next((each / "cgroup.kill" for each in self.directories if (each / "cgroup.kill").exists()), None)

    def remove(self) -> None:
        for directory in self.directories:
            try:
                directory.rmdir()
            except OSError:
                pass


def new_group(name: str, *, processes: int = MOST_PROCESSES) -> Group:
    """Make the group of a run. What the machine does not allow is left out; `Group(())` is no group at all."""
    made: list[Path] = []
    for parent, limits in _places(processes):
        directory = parent / f"toque-run-{name}"
        try:
            directory.mkdir(exist_ok=True)
            for file, value in limits.items():
                if (directory / file).exists():
                    (directory / file).write_text(value)
        except OSError:
            continue
        made.append(directory)
    return Group(tuple(made))


def _places(processes: int) -> list[tuple[Path, dict[str, str]]]:
    """Where this process's cgroups are, and what to write in a child of each: version 1 and 2, and both together."""
    memory = str(int(_MEMORY_SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    ours = {"pids": {"pids.max": str(processes)}, "memory": {"memory.limit_in_bytes": memory}}
    places: list[tuple[Path, dict[str, str]]] = []
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return places
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ours:
            places.append((_ROOT / controllers / path.lstrip("/"), ours[controllers]))
        elif controllers == "":
            parent = (_ROOT / "unified" if (_ROOT / "unified").is_dir() else _ROOT) / path.lstrip("/")
            _enable(parent)
            places.append((parent, {"pids.max": str(processes), "memory.max": memory}))
    return places


def _enable(parent: Path) -> None:
    """Hand the controllers down; the kernel refuses it while `parent` itself holds processes."""
    for controller in ("+pids", "+memory"):
        try:
            (parent / "cgroup.subtree_control").write_text(controller)
        except OSError:
            pass
