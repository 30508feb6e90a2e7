"""The machine of a suite: a sandbox, which is a copy-on-write clone of this machine. Another kind is another class.

Kept below the user's cache folder, one per cookbook and suite, so that a second run finds and replaces the first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from toque import sandbox
from toque.sandbox.places import TOQUE
from toque.testing.kitchen.config import Driver

PYTHON = f"{TOQUE}/bin/python"


@dataclass(frozen=True)
class Done:
    """How a program in the machine ended, and what it said."""

    code: int
    out: str
    err: str


class Machine(Protocol):
    """What the kitchen asks of a machine."""

    def start(self, files: Mapping[str, bytes]) -> None:
        """A fresh machine with these files on it; one that was kept is replaced."""

    def execute(self, argv: Sequence[str], *, seconds: float) -> Done: ...
    def destroy(self) -> None: ...

    def how_to_enter(self) -> str:
        """A command for people."""


@dataclass(frozen=True)
class Sandbox:
    """A clone in namespaces, with Toque at /opt/toque."""

    directory: Path
    hostname: str
    driver: Driver

    def start(self, files: Mapping[str, bytes]) -> None:
        self.destroy()
        home = self.directory.parent
        spec = sandbox.Spec(
            name=self.directory.name,
            directory=self.directory,
            hostname=self.hostname,
            address=self.address,
            files={path: (content, 0o600) for path, content in files.items()},
            hide=(home,),
            size_limit_mb=self.driver.size_limit_mb,
            network=cast(Any, self.driver.network),
            toolchain=home.parent / "toolchain",
        )
        _forget_old_toolchains(home.parent / "toolchain")
        sandbox.start(spec)

    def execute(self, argv: Sequence[str], *, seconds: float) -> Done:
        done = sandbox.execute(self.directory, argv, seconds=seconds)
        return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def destroy(self) -> None:
        sandbox.remove(self.directory)

    def how_to_enter(self) -> str:
        return f"{sys.executable} -m toque.sandbox run {self.directory} PROGRAM …"

    @property
    def address(self) -> str:
        """Of its own among 127.0.0.0/8, or in the subnet of the bridge, and the same each time."""
        one, two = hashlib.sha256(str(self.directory).encode()).digest()[:2]
        if self.driver.network == "own":
            return f"10.93.{one}.{max(2, min(two, 253))}"
        return f"127.81.{one}.{max(2, min(two, 253))}"


def home() -> Path:
    """Where the kitchen keeps its machines."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "toque" / "kitchen"


def sandbox_of(cookbook: str, suite: str, hostname: str, driver: Driver) -> Sandbox:
    return Sandbox(home() / "machines" / f"{cookbook}-{suite}", hostname, driver)


def _forget_old_toolchains(folder: Path) -> None:
    """Copies of Toque that no machine can be using: older than the newest four."""
    trees = sorted(folder.glob("[0-9a-f]*"), key=lambda tree: tree.stat().st_mtime) if folder.is_dir() else []
    for tree in trees[:-4]:
        shutil.rmtree(tree, ignore_errors=True)
