"""sudo: what somebody may do as somebody else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.verification import verified

_FOLDER = "/etc/sudoers.d"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")
_ALIAS = re.compile(r"[A-Z][A-Z0-9_]*")
_COMMAND = re.compile(r"!?(sha\d+:\S+ +)?(/.+|ALL|[A-Z][A-Z0-9_]*|sudoedit /.+)")
_WHO = re.compile(r"[A-Za-z0-9_.+:/%!*?-]+")
_DEFAULT = re.compile(r"""!?[a-z_0-9]+( *[+-]?= *("[^"]*"|([^",\s\\]|\\.)+))?""")


@dataclass(frozen=True)
class SudoState:
    content: bytes
    mode: str
    owner: str


@resource("sudo")
@dataclass(frozen=True)
class Sudo(Resource[SudoState]):
    """Let users do things as others, by a file of this name in /etc/sudoers.d.

    name      of the file, and of the user, where neither users nor groups are given (a dot becomes `__` in the file's
              name, as sudo passes over names with dots)
    users     who may
    groups    groups whose members may
    commands  what they may: programs with their whole path, with or without arguments (which may hold the wildcards
              of sudoers(5)), names of command_aliases, "sudoedit /etc/motd", or "ALL"; "!" before one forbids it
    host      where: the name of a machine or an alias, or "ALL"
    runas     as whom: "user", "user:group", ":group", an alias or "ALL"
    nopasswd  no password is asked for
    noexec    what is run may run nothing else
    setenv    they may set its environment
    defaults  options of sudo for these users and groups, e.g. ["!requiretty", "env_keep += SSH_AUTH_SOCK"]; a value
              with blanks or commas in double quotes
    user_aliases, command_aliases, host_aliases, runas_aliases  names in capitals for lists, to use in the above
    present   False takes the file away

    visudo checks the file before it is put in place: what would break sudo is refused, and nothing is changed. So sudo
    must be installed before: `package("sudo")`.

        sudo("deploy", commands=["/usr/bin/systemctl restart shop"], runas="root", nopasswd=True)
        sudo("operators", groups=["admins"], commands=["LOGS", "!/bin/su"], noexec=True,
             command_aliases={"LOGS": ["/usr/bin/journalctl", "/usr/bin/tail -f /var/log/*"]},
             defaults=["timestamp_timeout=5"])
    """

    name: str
    _: KW_ONLY
    users: Sequence[str] = ()
    groups: Sequence[str] = ()
    commands: Sequence[str] = ("ALL",)
    host: str = "ALL"
    runas: str = "ALL"
    nopasswd: bool = False
    noexec: bool = False
    setenv: bool = False
    defaults: Sequence[str] = ()
    user_aliases: Mapping[str, Sequence[str]] | None = None
    command_aliases: Mapping[str, Sequence[str]] | None = None
    host_aliases: Mapping[str, Sequence[str]] | None = None
    runas_aliases: Mapping[str, Sequence[str]] | None = None
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProperty(f"sudo name must be letters, digits and _ . @ + -, got {self.name!r}")
        for name in self.users or (() if self.groups else (self.name,)):
            check_name("sudo users:", name)
        for name in self.groups:
            check_name("sudo groups:", name)
        if not self.commands:
            raise BadProperty('sudo commands must name at least one program, or "ALL"')
        for command in self.commands:
            _check(command, _COMMAND, "commands", "a program with its whole path, a name in capitals, or ALL")
        for property, value in (("host", self.host), ("runas", self.runas)):
            _check(value, _WHO, property, "one name, without blanks")
        for option in self.defaults:
            _check(option, _DEFAULT, "defaults", 'an option as in sudoers(5), e.g. "!requiretty"')
        for property, aliases in self._aliases().items():
            pattern = _COMMAND if property == "command_aliases" else _WHO
            for name, members in aliases.items():
                _check(name, _ALIAS, property, "named in capitals, digits and underscores")
                if not isinstance(members, list | tuple) or not members:
                    raise BadProperty(f"sudo {property} must be lists of text: {name} is {members!r}")
                for member in members:
                    _check(member, pattern, f"{property} {name}", "lists of names or of programs with their whole path")

    def desired(self) -> SudoState | None:
        return SudoState(self._text().encode(), "0440", "root:root") if self.present else None

    def current(self, host: Host) -> SudoState | None:
        path = self._path()
        found = host.entry(path)
        if found is None or (found.kind != "file" and self.present):
            return None
        owner = f"{host.user_name(found.uid)}:{host.group_name(found.gid)}"
        return SudoState(host.read(path) or b"", f"{found.mode:04o}", owner)

    def apply(self, host: Host, change: Change[SudoState]) -> None:
        path = self._path()
        if change.want is None:
            host.remove(path)
            return
        if host.which("visudo") is None or host.entry(_FOLDER) is None:
            raise ToqueError(f'sudo is not installed (there is no visudo, or no {_FOLDER}): package("sudo") before it')
        verified(host, ["visudo", "-c", "-q", "-f", "{path}"], path, change.want.content)
        host.write(path, change.want.content, mode=0o440, uid=0, gid=0)

    def _path(self) -> str:
        return f"{_FOLDER}/{self.name.replace('.', '__')}"

    def _aliases(self) -> dict[str, Mapping[str, Sequence[str]]]:
        given = {
            "user_aliases": self.user_aliases,
            "command_aliases": self.command_aliases,
            "host_aliases": self.host_aliases,
            "runas_aliases": self.runas_aliases,
        }
        return {property: aliases for property, aliases in given.items() if aliases}

    def _text(self) -> str:
        who = ", ".join([*self.users, *(f"%{group}" for group in self.groups)] or [self.name])
        lines = []
        for property, aliases in self._aliases().items():
            escape = _escaped if property == "command_aliases" else str
            lines += [
                f"{_ALIAS_WORDS[property]} {name} = {', '.join(map(escape, members))}"
                for name, members in sorted(aliases.items())
            ]
        lines += [f"Defaults:{who} {option}" for option in self.defaults]
        tags = {"NOEXEC:": self.noexec, "NOPASSWD:": self.nopasswd, "SETENV:": self.setenv}
        tagged = "".join(tag for tag, wanted in tags.items() if wanted)
        lines.append(f"{who} {self.host}=({self.runas}) {tagged}{', '.join(map(_escaped, self.commands))}")
        return "".join(f"{line}\n" for line in lines)


_ALIAS_WORDS = {
    "user_aliases": "User_Alias",
    "command_aliases": "Cmnd_Alias",
    "host_aliases": "Host_Alias",
    "runas_aliases": "Runas_Alias",
}


def _check(text: object, pattern: re.Pattern[str], property: str, what: str) -> None:
    if not isinstance(text, str) or not pattern.fullmatch(text) or re.search(r"[\x00-\x1f\x7f]|\\$", text):
        raise BadProperty(f"sudo {property} must be {what}, got {text!r}")


def _escaped(command: str) -> str:
    """A command in which no character of its arguments ends it: `,`, `:`, `=` and `#` mean something in sudoers."""
    digest, program = re.fullmatch(r"(!?(?:sha\d+:\S+ +)?)(.*)", command).groups()  # type: ignore[union-attr]
    # What a backslash stands before is escaped already; by pairs, as of two the second escapes nothing.
    return digest + re.sub(r"\\.|[,:=#]", lambda found: found[0] if len(found[0]) > 1 else f"\\{found[0]}", program)


sudo = recipe_word(Sudo)
