"""pytest-testinfra's way into a machine of the kitchen: its `host` runs commands there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from testinfra.backend import BACKENDS
from testinfra.backend.base import BaseBackend, CommandResult

from toque import sandbox

_NAME = "toque"
_SECONDS = 120.0
_DIRECTORIES: dict[str, Path] = {}


class SandboxBackend(BaseBackend):  # type: ignore[misc]  # it has no types
    """Runs in the sandbox whose directory `--toque-kitchen` names."""

    NAME = _NAME

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        self._directory = _DIRECTORIES[name]
        super().__init__(name, *args, **kwargs)

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        line = self.get_command(command, *args)
        done = sandbox.execute(self._directory, ["/bin/sh", "-c", line], seconds=_SECONDS)
        return self.result(done.returncode, line.encode(), done.stdout, done.stderr)


def connect(config: pytest.Config) -> None:
    """Let the fixture `host` of every test be the machine of this run."""
    directory = Path(config.getoption("--toque-kitchen"))
    BACKENDS[_NAME] = f"{__name__}.{SandboxBackend.__name__}"
    _DIRECTORIES[directory.name] = directory
    config.option.hosts = f"{_NAME}://{directory.name}"
