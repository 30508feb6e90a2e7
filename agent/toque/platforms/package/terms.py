"""What package managers have in common: the terms of a recipe, what is pending, and what the fewest of them can do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import ClassVar

from toque.core import Host, ToqueError
from toque.core.digests import sha256_of
from toque.core.host import Ran

_STAMP_FOLDER = "/var/cache/toque"
_STAMP = f"{_STAMP_FOLDER}/package-index"
"""Its date says when the lists were last fetched: theirs is often the one of the server."""

_SOME_MISSING = {0, 1}
LOCK_WAIT = 600
MAX_AGE = 24 * 3600


@dataclass(frozen=True)
class Terms:
    """How a recipe wants packages to be handled. Times are seconds."""

    recommends: bool = True
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    default_release: str | None = None
    lock_timeout: int = LOCK_WAIT
    max_age: int = MAX_AGE


@dataclass(frozen=True)
class Scope:
    """What of the whole system is to be upgraded: names in `exclude` may be patterns."""

    security: bool = False
    exclude: Sequence[str] = ()
    autoremove: bool = False

    def excludes(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.exclude)


@dataclass(frozen=True)
class Step:
    """One package of an upgrade: an empty `was` is a new one, an empty `to` one that goes."""

    name: str
    was: str = ""
    to: str = ""

    def __str__(self) -> str:
        if not self.to:
            return f"{self.name} {self.was} → removed"
        return f"{self.name} {self.was} → {self.to}" if self.was else f"{self.name} new → {self.to}"


class NotSupported(ToqueError):
    """This machine's package manager has nothing like it."""


class Manager:
    """What a package manager is made of: the machine, and the terms. Each kind says where it keeps its lists."""

    title: ClassVar[str] = ""
    lists: ClassVar[tuple[str, ...]] = ()
    """The folders in which it keeps them."""
    list_name: ClassVar[str] = ""
    """The file that tells one state of a repository from another, as a pattern."""

    def __init__(self, host: Host, terms: Terms) -> None:
        self._host, self._terms = host, terms

    def index(self) -> str:
        """A digest of the lists on this machine; empty when there are none."""
        found = self._find()
        if not found:
            return ""
        return hashlib.sha256("\n".join(f"{path} {sha256_of(self._host, path)}" for path in found).encode()).hexdigest()

    def is_fresh(self, seconds: int) -> bool:
        """Whether lists are there that were fetched, or made, less than so many seconds ago."""
        if seconds <= 0:
            return False
        limit = ["-mmin", f"-{max(1, seconds // 60)}"]
        return bool(self._find(*limit)) or (
            self._host.run(["find", _STAMP, *limit], ok=_SOME_MISSING).out != "" and bool(self._find())
        )

    def answer(self, names: Sequence[str], answers: Mapping[str, str]) -> None:
        raise NotSupported(f"answers are for debconf, which {self.title} does not have")

    def reconfigure(self, names: Sequence[str]) -> None:
        raise NotSupported(f"{self.title} has no way to configure a package again: only Debian's family does")

    def needs_reboot(self) -> bool:
        return False

    def _find(self, *tests: str) -> list[str]:
        found = self._host.run(
            ["find", *self.lists, "-type", "f", "-name", self.list_name, *tests], ok=_SOME_MISSING
        ).out.splitlines()
        return sorted(found)

    def _note_fetched(self) -> None:
        if self._host.entry(_STAMP_FOLDER) is None:
            self._host.make_directory(_STAMP_FOLDER, mode=0o755, parents=True)
        self._host.write(_STAMP, b"", mode=0o644)

    def _no_release(self) -> None:
        if self._terms.default_release is not None:
            raise NotSupported(f"default_release is apt's: {self.title} takes a repository by options=[…]")

    def _until_unlocked(self, argv: Sequence[str], locked: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run a program that does not itself wait for a lock: again every five seconds while it says `locked`."""
        for _ in range(self._terms.lock_timeout // 5):
            ran = self._host.run(argv, ok=range(256), env={**(env or {}), **self._terms.environment})
            if ran.code == 0 or locked not in ran.err + ran.out:
                break
            self._host.run(["sleep", "5"])
        else:
            return self._host.run(argv, env={**(env or {}), **self._terms.environment})
        if ran.code != 0:
            from toque.core import CommandFailed

            raise CommandFailed(argv, ran)
        return ran
