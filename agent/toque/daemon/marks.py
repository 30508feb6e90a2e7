"""The marks of a run: what an agent that comes back finds, and what it concludes (security.md 3.1, R5 to R7).

The lock file is also the run's ledger. It has a second link outside the run directory and its space is reserved, so
neither a recipe that deletes the directory nor a full disk can hide how a run ended. The files `begun`, `status` and
`abandoned` in the run directory say the same for people and programs.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Final, Literal

import msgspec

from toque.daemon.state import State
from toque.protocol.durable import sync_directory, write_durably
from toque.protocol.messages import Causes, ResourceCounts

LEDGER_BYTES: Final = 32 << 10

REBOOTING: Final = "rebooting"
"""The reason of a run after whose result the agent restarts its machine."""


class Status(msgspec.Struct, frozen=True):
    """How a run ended; the contents of `status`."""

    exit_code: int
    reason: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    resources: ResourceCounts = ResourceCounts()
    releases: dict[str, str] = {}
    warnings: tuple[str, ...] = ()
    causes: Causes = Causes()
    reboot: bool = False
    restart: str = ""
    """The line that wants the machine restarted and the run begun again: then this is no end of the command."""


class Ledger(msgspec.Struct, frozen=True):
    """What the lock file says. `abandoned` is the number of the last attempt that may never start.

    A command that restarts its machine has several parts; `begun_at`, `pid` and `status` are of the last one.
    """

    abandoned: int = 0
    begun_at: float = 0.0
    pid: int = 0
    status: Status | None = None
    restarts: dict[str, str] = {}
    """The lines that asked for a restart, and the boot that each asked in."""
    resumed: int = 0
    """The number of the last attempt of the parts before."""
    first_begun_at: float = 0.0
    spent: float = 0.0
    """Seconds that the parts before have taken; the boots between are not counted."""
    changed: int = 0
    """How many resources the parts before have changed."""
    asked: int = 0
    """How often the machine was told to restart for the last part."""
    asked_at: float = 0.0


def next_part(ledger: Ledger, attempt: int) -> Ledger:
    """The ledger of a run whose machine has booted: what was done may never start again, and the next part may."""
    status = ledger.status or Status(0)
    return Ledger(
        abandoned=attempt,
        restarts=ledger.restarts,
        resumed=attempt,
        first_begun_at=ledger.first_begun_at,
        spent=ledger.spent + max(0.0, status.finished_at - ledger.begun_at),
        changed=ledger.changed + status.resources.changed,
    )


Conclusion = Literal["ended", "running", "interrupted", "never began"]


def conclude(ledger: Ledger, *, held: bool) -> Conclusion:
    """What became of a run that was started: the whole decision, from its marks."""
    if ledger.status is not None:
        return "ended"
    if held:
        return "running"
    return "interrupted" if ledger.begun_at else "never began"


def prepare_lock(state: State, command_id: str) -> None:
    """Make the lock before `started` is journalled: a started run without a lock was tampered with."""
    inside, outside = state.run(command_id) / "lock", state.lock(command_id)
    if not outside.exists():
        descriptor = os.open(outside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, LEDGER_BYTES)
        finally:
            os.close(descriptor)
        sync_directory(outside.parent)
    inside.unlink(missing_ok=True)
    os.link(outside, inside)
    sync_directory(inside.parent)


class Lock:
    """The lock of one run, opened; use `close()`, or end the process, to let go of it."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def take(self) -> bool:
        """Hold the lock; False when somebody else does."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as wrong:
            if wrong.errno in {errno.EWOULDBLOCK, errno.EAGAIN}:
                return False
            raise
        return True

    def read(self) -> Ledger:
        text = os.pread(self.descriptor, LEDGER_BYTES, 0).rstrip(b"\0")
        # The newest whole line counts: a line that was being written when the power failed is none.
        for line in reversed(text.split(b"\n")):
            try:
                return msgspec.json.decode(line, type=Ledger)
            except msgspec.DecodeError:
                continue
        return Ledger()

    def write(self, ledger: Ledger) -> None:
        """Add a line that replaces what was said before; durable when this returns."""
        end = len(os.pread(self.descriptor, LEDGER_BYTES, 0).rstrip(b"\0"))
        os.pwrite(self.descriptor, b"\n" + msgspec.json.encode(ledger), end)
        os.fsync(self.descriptor)

    def begin_anew(self, ledger: Ledger) -> None:
        """The same, and what was said before is wiped, so that the space lasts for every part of a run.

        The line stands at the end, then also at the beginning, then only there: a power loss in between leaves one of
        the two, or a line from before, after which the agent comes here again.
        """
        before = len(os.pread(self.descriptor, LEDGER_BYTES, 0).rstrip(b"\0"))
        self.write(ledger)
        line = msgspec.json.encode(ledger) + b"\n"
        if len(line) > before:
            return
        os.pwrite(self.descriptor, line, 0)
        os.fsync(self.descriptor)
        os.pwrite(self.descriptor, bytes(before), len(line))
        os.fsync(self.descriptor)

    def close(self) -> None:
        os.close(self.descriptor)


def look(state: State, command_id: str, attempt: int) -> tuple[Conclusion, Ledger]:
    """What became of this attempt. When it never began it is abandoned under the lock, so that it never will."""
    try:
        lock = Lock(state.lock(command_id))
    except FileNotFoundError:
        return "interrupted", Ledger()
    try:
        if not lock.take():
            return "running", lock.read()
        ledger = lock.read()
        conclusion = conclude(ledger, held=False)
        if conclusion == "never began" and ledger.abandoned < attempt:
            lock.write(msgspec.structs.replace(ledger, abandoned=attempt))
            mark(state.run(command_id), "abandoned", str(attempt).encode())
        return conclusion, ledger
    finally:
        lock.close()


def mark(run: Path, name: str, data: bytes) -> None:
    """Leave a mark in the run directory, where that is still possible."""
    try:
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(run / name, data)
    except OSError:
        pass
