"""A long-running process as a recipe declares it, and the files that say so on disk."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from toque.core import BadProperty, Host
from toque.core.accounts import check_name
from toque.core.files import absolute
from toque.core.secret import holds_secret
from toque.core.variables import check_variables

FILES = "/etc/toque/services"
"""Where environments and launchers are kept, for root only: they hold secrets."""


@dataclass(frozen=True)
class Definition:
    """What runs, where, as whom and with which environment. `reload_signal` is a name such as HUP."""

    command: tuple[str, ...]
    directory: str | None = None
    user: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    reload_signal: str | None = None


def arguments(word: str, command: str | Sequence[str]) -> tuple[str, ...]:
    """The program and its arguments; a text is split like a command line, without a shell."""
    try:
        return tuple(shlex.split(command) if isinstance(command, str) else command)
    except ValueError as error:
        raise BadProperty(f"{word} command cannot be split into arguments ({error}): give a list") from None


def check_definition(
    word: str,
    command: str | Sequence[str],
    cwd: str | None,
    user: str | None,
    environment: Mapping[str, str] | None,
) -> None:
    """Refuse what would say more to a service manager than a program, a folder, a user and variables."""
    argv = arguments(word, command)
    if not argv or not argv[0] or any("\0" in arg for arg in argv):
        raise BadProperty(f'{word} command needs a program, e.g. ["python3", "-m", "shop"]')
    if holds_secret(command):
        raise BadProperty(
            f"{word} command must hold no Secret: every user of the machine can read the command line; hand it over in "
            "environment"
        )
    if argv[0][0] in "@-:+!|":
        # systemd reads these before a program as orders, "run it as root" for one, in quotes as well.
        raise BadProperty(f"{word} command must begin with a program, and none begins with {argv[0][0]}: {argv[0]!r}")
    if cwd is not None:
        absolute(f"{word} cwd:", cwd)
        if not cwd.isprintable() or cwd.endswith("\\"):
            raise BadProperty(f"{word} cwd must be one line, without a backslash at its end, got {cwd!r}")
    if user is not None:
        check_name(f"{word} user:", user)
    check_variables(word, environment)


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
