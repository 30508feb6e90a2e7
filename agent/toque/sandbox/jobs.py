"""Child processes of a sandbox's PID 1: starting one, and keeping what it wrote until it has ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_OUTPUT_LIMIT = 16 * 1024 * 1024
_NOT_FOUND = 127


@dataclass
class Job:
    """A child whose end somebody waits for. `ended` is called with its exit code (128 + n when signal n killed it)."""

    pid: int
    ended: Callable[[int], None]


def spawn(argv: Sequence[str], env: Mapping[str, str], *, out: int = 1, err: int = 2) -> int | None:
    """Start a program in a session of its own, with nothing on its standard input. None: it cannot be run."""
    # Either may be 1 or 2 itself, and none may be overwritten before it was used.
    spare = max(out, err, 2) + 1
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out, spare),
        (os.POSIX_SPAWN_DUP2, err, 2),
        (os.POSIX_SPAWN_DUP2, spare, 1),
        (os.POSIX_SPAWN_CLOSE, spare),
    ]
    try:
        return os.posix_spawnp(
            argv[0],
            list(argv),
            dict(env),
            file_actions=actions,
            setsid=True,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    except OSError:
        return None


def exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


@dataclass(frozen=True)
class Output:
    """Files that a job writes to. Not pipes: a service keeps its script's open for as long as it lives."""

    out: Path
    err: Path

    @classmethod
    def numbered(cls, folder: Path, number: int) -> Output:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(folder / f"{number}.out", folder / f"{number}.err")

    def spawn(self, argv: Sequence[str], env: Mapping[str, str], *, joined: bool = False) -> int | None:
        """Start a program that writes here; with `joined` both of its streams go to `out`, in order."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        out = os.open(self.out, flags, 0o600)
        err = out if joined else os.open(self.err, flags, 0o600)
        try:
            return spawn(argv, env, out=out, err=err)
        finally:
            for descriptor in {out, err}:
                os.close(descriptor)

    def take(self) -> tuple[bytes, bytes]:
        """What was written, at most 16 MiB of each; the files are gone afterwards."""
        return _take(self.out), _take(self.err)


def _take(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_OUTPUT_LIMIT)
    except FileNotFoundError:
        return b""
    path.unlink()
    return content


def not_found(argv: Sequence[str]) -> tuple[int, str]:
    return _NOT_FOUND, f"{argv[0]}: no such program in the sandbox"
