"""A service, as small as it can be, whose restarts are lines of a file: for runs that are killed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from toque.core import Change, Host, Resource, action, recipe_word, resource
from toque.core.resource import REGISTRY


@dataclass(frozen=True)
class DaemonState:
    running: bool = True


@resource("telling")
@dataclass(frozen=True)
class Daemon(Resource[DaemonState]):
    """It always runs: telling("/tmp/told")."""

    path: str
    _: KW_ONLY
    restart_on: Sequence[Resource[Any]] = ()

    def desired(self) -> DaemonState:
        return DaemonState()

    def current(self, host: Host) -> DaemonState:
        return DaemonState()

    def apply(self, host: Host, change: Change[DaemonState]) -> None:
        raise AssertionError("it runs")

    @action
    def restart(self, host: Host) -> None:
        host.run(["sh", "-c", f"echo restart >> {self.path}"])


daemon = recipe_word(Daemon)
del REGISTRY["telling"]  # no word of ours: the contract tests are for those
