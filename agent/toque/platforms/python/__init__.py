"""Packages of Python: what brings them into an environment, pip or uv, and what is there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from toque.core.errors import ToqueError
from toque.core.files import followed
from toque.core.host import Host


@dataclass(frozen=True)
class Order:
    """What to install: `words` are requirements, `files` lists of them; whoever installs looks at nothing else."""

    words: Sequence[str] = ()
    files: Sequence[str] = ()
    editable: str | None = None
    constraints: str | None = None
    upgrade: bool = False
    require_hashes: bool = False
    break_system_packages: bool = False
    options: Sequence[str] = ()

    @property
    def arguments(self) -> list[str]:
        """As pip and uv both understand it."""
        return [
            *(["--upgrade"] if self.upgrade else []),
            *(["--require-hashes"] if self.require_hashes else []),
            *(["--break-system-packages"] if self.break_system_packages else []),
            *(["--constraint", self.constraints] if self.constraints else []),
            *self.options,
            *(word for file in self.files for word in ("--requirement", file)),
            *(["--editable", self.editable] if self.editable else []),
            *(["--", *self.words] if self.words else []),
        ]


@dataclass(frozen=True)
class Environment:
    """A Python to install for, as which user, and where packages come from (never said on a command line)."""

    python: str
    user: str | None = None
    index_url: str | None = None
    extra_index_urls: Sequence[str] = field(default=())


class Installer(Protocol):
    """pip or uv, for one Environment."""

    def install(self, order: Order) -> None: ...

    def uninstall(self, names: Sequence[str], order: Order) -> None: ...

    def outdated(self, order: Order) -> list[str]:
        """What an upgrade would bring, as `name version`; it asks the index."""


@dataclass(frozen=True)
class Found:
    """Whether a requirement is met; `version` is what is installed of it, None: nothing."""

    version: str | None
    meets: bool


def look(host: Host, environment: Environment, requirements: Sequence[str]) -> list[Found]:
    """What the environment has of each requirement; of an environment that is not there, nothing.

    The environment's own Python judges, by the rules that its own pip has. Raises ToqueError where it has none.
    """
    python = environment.python
    there = host.which(python) if "/" not in python else host.entry(followed(host, python))
    if there is None or not requirements:
        return [Found(None, meets=False) for _ in requirements]
    question = json.dumps(list(requirements))
    said = host.run([python, "-B", "-c", program(), question], user=environment.user, cwd="/").out
    answer: list[Mapping[str, object]] | str = json.loads(said)
    if isinstance(answer, str):
        raise ToqueError(f"{python} cannot tell whether it meets {answer}")
    return [Found(None if each["version"] is None else str(each["version"]), bool(each["meets"])) for each in answer]


@cache
def program() -> str:
    """The program that judges, as text: it runs in the Python that is asked about, which knows nothing of us."""
    return (Path(__file__).parent / "probe.py").read_text()
