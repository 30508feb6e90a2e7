"""The agent's state directory: what lies where, and that nobody else can read it (S24)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from toque.protocol.durable import write_durably

RESERVE_BYTES: Final = 16 << 20
"""Space kept back so that the journal can close a run on a full disk (R12)."""


class BadState(Exception):
    """The state directory cannot be used as it is; the message says what to do."""


class State:
    """The directories and files of one agent. Making one creates and checks the directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.keys = root / "keys"
        self.runs = root / "runs"
        self.locks = root / "locks"
        self.bundles = root / "cache" / "bundles"
        self.cookbooks = root / "cache" / "cookbooks"
        self.parts = root / "cache" / "parts"
        self.manifests = root / "cache" / "manifests"
        self.identity = root / "identity.json"
        self.journal = root / "journal"
        self.epoch = root / "epoch"
        self.policy = root / "policy.json"
        self.disabled = root / "disabled"
        self.left = root / "left"
        self.installed = root / "installed"
        self.reboot = root / "reboot"
        self.reserve = root / "reserve"
        self._check_root()
        for each in (self.keys, self.runs, self.locks, self.bundles, self.cookbooks, self.parts, self.manifests):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_keys()

    def run(self, command_id: str) -> Path:
        """The run directory of a command (chapter 10, and seams 2)."""
        return self.runs / command_id

    def lock(self, command_id: str) -> Path:
        """The lock of a command's run. The run directory has a second link to it: deleting that changes nothing."""
        return self.locks / command_id

    def hold(self, *, wait: bool) -> int:
        """Become the only agent of this directory; returns the descriptor that holds it, for ever.

        A second agent waits, or gets BadState when it will not `wait`.
        """
        descriptor = os.open(self.root / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            raise BadState(f"another agent works in {self.root}: stop it first (systemctl stop toque-agent)") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return descriptor

    def agent_pid(self) -> int:
        """The process that holds this directory; 0 when none does."""
        try:
            descriptor = os.open(self.root / "agent.lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return 0
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.pread(descriptor, 32, 0).strip() or b"0")
        else:
            return 0
        finally:
            os.close(descriptor)

    def next_epoch(self) -> int:
        """The number of this start, higher than that of every former one, durable when it returns."""
        try:
            number = int(self.epoch.read_text()) + 1
        except FileNotFoundError:
            number = 1
        except ValueError:
            raise BadState(f"{self.epoch} holds no number; write one higher than any used, or enrol again") from None
        write_durably(self.epoch, f"{number}\n".encode())
        return number

    def free_bytes(self) -> int:
        return os.statvfs(self.root).f_bavail * os.statvfs(self.root).f_frsize

    def keep_reserve(self) -> None:
        """Set the reserve aside, when there is room for it."""
        if self.reserve.exists() and self.reserve.stat().st_size == RESERVE_BYTES:
            return
        descriptor = os.open(self.reserve, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        except OSError:
            self.reserve.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def spend_reserve(self) -> None:
        """Give the reserve back to the file system; `keep_reserve()` sets it aside again when there is room."""
        self.reserve.unlink(missing_ok=True)

    def _check_root(self) -> None:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.root.stat()
        except OSError as wrong:
            raise BadState(f"{self.root} cannot be made or read: {wrong.strerror}") from wrong
        if found.st_mode & 0o777 != 0o700:
            mode = found.st_mode & 0o777
            raise BadState(f"{self.root} has mode {mode:04o}; it must be 0700: chmod 700 {self.root}")
        if found.st_uid != os.geteuid():
            raise BadState(f"{self.root} belongs to uid {found.st_uid}, the agent runs as {os.geteuid()}: chown it")

    def _check_keys(self) -> None:
        for key in self.keys.iterdir():
            found = key.stat()
            if found.st_mode & 0o777 != 0o600:
                raise BadState(f"{key} has mode {found.st_mode & 0o777:04o}; it must be 0600: chmod 600 {key}")
            if found.st_uid != os.geteuid():
                raise BadState(f"{key} belongs to uid {found.st_uid}, the agent runs as {os.geteuid()}: chown it")
