"""What a sandbox shall be, as values: its specification, and the ways in which making one can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Network = Literal["shared", "own", "none"]
State = Literal["running", "stopped", "failed", "gone"]


class SandboxError(Exception):
    """A sandbox could not be made, started, reached or ended. The text says what was being done, and to what."""


@dataclass(frozen=True)
class Refusal:
    """Why sandboxes are not possible on this machine, and what the operator can do about it."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One sandbox: a copy-on-write clone of this machine.

        Spec(name="sb-1", directory=data / "sb-1", hostname="web1", address="127.80.3.7",
             agent_argv=("/opt/toque/bin/toque", "agent", "run"), hide=(data,), lifeline=data / "lifeline")

    `directory` belongs to the sandbox alone: its disk, its console and what `state()` reads are kept there.
    `address` is one of 127.0.0.0/8 on a shared network, and of the bridge's subnet on an own one. Without a network
    ("none") the clone has its loopback, and interfaces that look like the host's and lead nowhere.
    `persistent` keeps the disk over a stop; otherwise each start begins with a fresh clone.
    `agent_argv` runs in the clone for ever (started again within a second when it ends); empty means nothing runs.
    `files` maps absolute paths in the clone to (content, mode); they are written at each start, owned by root.
    `hide` are directories of the host the clone must not see, besides /root, /home and the host's own /etc/toque.
    `lifeline` is a file that the owner holds locked (`hold_lifeline`); when nobody has held it for `orphan_after`
    seconds the sandbox ends by itself. None: it lives until it is stopped.
    `size_limit_mb` bounds a disk that has to be kept in memory, because the file system of `directory` cannot carry
    one; None means half of the memory.
    `binds` maps absolute paths in the clone to files or directories of the host, which are read-only there.
    `private=False`, for the eyes of the host's owner: nothing of the host is covered but `directory` and `hide`, and
    the clone keeps the host's names, passwords and keys. It takes root.
    `toolchain` is where the copy of Toque for the clones is kept; None means next to `directory`, so that sandboxes
    of one data directory share it.
    """

    name: str
    directory: Path
    hostname: str
    address: str
    persistent: bool = True
    agent_argv: tuple[str, ...] = ()
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    hide: tuple[Path, ...] = ()
    lifeline: Path | None = None
    size_limit_mb: int | None = None
    network: Network = "shared"
    orphan_after: float = 60.0
    binds: Mapping[str, Path] = field(default_factory=dict)
    private: bool = True
    toolchain: Path | None = None
