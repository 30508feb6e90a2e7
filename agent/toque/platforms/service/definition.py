"""A long-running process as a recipe declares it, and the files that say so on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toque.core import Host

FILES = "/etc/toque/services"
"""Where environments and launchers are kept, for root only: they hold secrets."""

HEAD = "Written by Toque: what is changed here is overwritten."


@dataclass(frozen=True)
class Definition:
    """What runs, where, as whom and with which environment. `reload_signal` is a name such as HUP."""

    command: tuple[str, ...]
    directory: str | None = None
    user: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    reload_signal: str | None = None


@dataclass(frozen=True)
class Text:
    """A file's content and mode."""

    content: str
    mode: int = 0o644


def are_written(host: Host, files: Mapping[str, Text]) -> bool:
    return all(host.read(path) == text.content.encode() for path, text in files.items())


def write(host: Host, files: Mapping[str, Text]) -> None:
    for path, text in files.items():
        folder = path.rpartition("/")[0]
        if host.entry(folder) is None:
            host.make_directory(folder, mode=0o700 if folder == FILES else 0o755, parents=True)
        host.write(path, text.content.encode(), mode=text.mode)


def remove(host: Host, paths: list[str]) -> None:
    for path in paths:
        if host.entry(path) is not None:
            host.remove(path)
