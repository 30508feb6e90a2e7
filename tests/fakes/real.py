"""The real machine, for words that work on what a fake could only pretend: git, archives, downloads.

It counts what changes the machine as the fake one does: `ran` is empty as long as everything only looked.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from toque.core import LocalHost, Ran
from toque.testing.machine import FakeHost

_LOOKS = (
    {"git", "rev-parse"},
    {"git", "ls-remote"},
    {"git", "--get"},
    {"git", "--get-regexp"},
    {"sha256sum"},
    {"true"},
    {"mktemp"},
)


class RealHost(LocalHost):
    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []
        self.argvs: list[list[str]] = []
        self.temporary: list[Path] = []

    def run(self, argv: Sequence[str], **options: Any) -> Ran:
        self.argvs.append(list(argv))
        if not any(words <= set(argv) for words in _LOOKS):
            self.ran.append(" ".join(argv))
        ran = super().run(argv, **options)
        if argv[0] == "mktemp":
            self.temporary.append(Path(ran.out.strip()))
        return ran

    def make_directory(self, path: str, **options: Any) -> None:
        self.ran.append(f"mkdir {path}")
        super().make_directory(path, **options)

    def rename(self, path: str, to: str) -> None:
        self.ran.append(f"rename {path} {to}")
        super().rename(path, to)

    def chmod(self, path: str, mode: int) -> None:
        self.ran.append(f"chmod {mode:04o} {path}")
        super().chmod(path, mode)

    def chown(self, path: str, uid: int | None, gid: int | None) -> None:
        self.ran.append(f"chown {uid}:{gid} {path}")
        super().chown(path, uid, gid)


def place(name: str) -> Path:
    """A folder for the cases of one word: the same for all of them, and gone when the tests are over."""
    return Path(tempfile.gettempdir()) / f"toque-cases-{name}-{os.getpid()}"


def prepared(where: Path, make: Callable[[], None]) -> Callable[[], FakeHost]:
    """A machine for a Case, made by preparing the folder `where` of this one anew."""

    def machine() -> FakeHost:
        atexit.register(shutil.rmtree, where, ignore_errors=True)
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir()
        make()
        return cast(FakeHost, RealHost())

    return machine


def write(path: Path, content: str | bytes, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path
