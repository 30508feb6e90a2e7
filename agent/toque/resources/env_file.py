"""env_file: a file of environment variables, for systemd or for dotenv."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

from toque.core import BadProperty, Change, Host, Resource, Secret, recipe_word, resource
from toque.core.variables import is_variable
from toque.platforms.environment import dotenv, systemd
from toque.protocol.masking import HIDDEN
from toque.resources.file import File, FileState

_LINE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)", re.DOTALL)
_QUOTED = {"systemd": systemd.quoted, "dotenv": dotenv.quoted}


@resource("env_file")
@dataclass(frozen=True)
class EnvFile(Resource[FileState]):
    """Keep a file with the environment of an app: these variables, and no others.

    path       absolute
    variables  a mapping of names to text, Secrets, numbers, or True and False (written `true` and `false`); None leaves
               one out
    format     "systemd" for `EnvironmentFile=` of a unit (a shell reads it as well), or "dotenv" for what reads `.env`
               files itself; each with the quotes that its readers understand
    owner      a user's name (or the number as text)
    group      a group's name (or the number as text)
    mode       four octal digits as text; "0600" without it
    present    False removes it
    backup, follow   as of `file`

    In diffs only the values of variables that are given here and are no Secrets are shown. A value that dotenv readers
    do not read alike (with quotes, `$` and line ends together) is refused with the name of its variable.

        env = env_file("/etc/shop.env", {"PORT": 8080, "DATABASE_URL": Secret("postgresql://shop:pw@db/shop")})
        service("memcached", restart_on=[env])
    """

    path: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    _: KW_ONLY
    format: Literal["systemd", "dotenv"] = "systemd"
    owner: str | None = None
    group: str | None = None
    mode: str = "0600"
    present: bool = True
    backup: int = 0
    follow: bool = False

    def __post_init__(self) -> None:
        for name, value in self.variables.items():
            if not is_variable(name):
                raise BadProperty(f"env_file variables must have names such as DATABASE_URL, got {name!r}")
            if value is not None and not isinstance(value, str | int | float):
                kind = type(value).__name__
                raise BadProperty(f"env_file variables: {name} must be text, a number, True or False, got {kind}")
            if isinstance(value, str) and "\0" in value:
                raise BadProperty(f"env_file variables: {name} has a NUL character, which no variable can hold")
        self._file()

    def desired(self) -> FileState | None:
        return self._file().desired()

    def current(self, host: Host) -> FileState | None:
        return self._file().current(host)

    def apply(self, host: Host, change: Change[FileState]) -> None:
        self._file().apply(host, change)

    def disguised(self, content: bytes | None) -> bytes | None:
        """The file as a diff may show it: a value that is secret, or that nobody names any more, is hidden."""
        if content is None:
            return None
        wanted, shown = _entries(self._text()), []
        for entry in _entries(content.decode(errors="replace")):
            match = _LINE.fullmatch(entry)
            is_shown = match is None or (
                self.variables.get(match["name"]) is not None and not isinstance(self.variables[match["name"]], Secret)
            )
            other = "" if entry in wanted else " (another value)"
            shown.append(entry if is_shown or match is None else f"{match['name']}={HIDDEN}{other}")
        return "\n".join([*shown, ""]).encode()

    def _file(self) -> File:
        made: File | None = self.__dict__.get("_made")
        if made is None:
            made = File(
                self.path,
                content=self._text() if self.present else None,
                owner=self.owner,
                group=self.group,
                mode=self.mode,
                present=self.present,
                backup=self.backup,
                follow=self.follow,
            )
            self.__dict__["_made"] = made
        return made

    def _text(self) -> str:
        lines = []
        for name, value in self.variables.items():
            if value is None:
                continue
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            quoted = _QUOTED[self.format](name, text)
            if isinstance(value, Secret):
                Secret(quoted)  # with its quotes it may look otherwise, and is no less secret
            lines.append(f"{name}={quoted}\n")
        text = "".join(lines)
        return Secret.around(text) if any(isinstance(value, Secret) for value in self.variables.values()) else text


def _entries(text: str) -> list[str]:
    """The assignments of a file; one whose value has line ends in it is one entry."""
    entries: list[str] = []
    for line in text.splitlines():
        if entries and re.fullmatch(r'[A-Za-z0-9_]+="(?:[^"\\]|\\.)*', entries[-1], re.DOTALL):
            entries[-1] += f"\n{line}"
        else:
            entries.append(line)
    return entries


env_file = recipe_word(EnvFile)
