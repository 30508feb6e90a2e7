"""A machine in memory: it keeps what it is told, and knows only what is taught to it.

Files, links, users and groups are modelled here. Programs are taught by `Program`s, one file each beside this one where
they are more than a few lines; `systemctl`, `getent` and the account programs come with every FakeHost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from posixpath import normpath
from typing import Protocol

from toque.core.host import CommandFailed, Entry, Kind, Ran, Unreachable, WebAnswer, WebRequest

Answer = Ran | None


class Program(Protocol):
    """A program the machine has. Each method answers None to what it does not know."""

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        """Answer a command line that only reads. Such commands do not count as things done."""

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        """Answer, and change the machine."""


class UnknownCommand(AssertionError):
    """A command line that nobody taught the machine in memory."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.argv = list(argv)
        super().__init__(
            f"FakeHost knows no {self.argv}: in a cookbook's test teach it by node.answers({self.argv!r}, out=…), "
            f"for all tests by a class in toque/testing/programs/"
        )


@dataclass
class Node:
    """A file, directory or link of the fake machine."""

    kind: Kind = "file"
    content: bytes = b""
    to: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    modified: float = field(default_factory=time.time, compare=False)


@dataclass
class Unit:
    """A unit of systemd: whether it runs, starts at boot, fails when it is started, and is masked."""

    active: bool = False
    enabled: bool = False
    broken: bool = False
    masked: bool = False


@dataclass
class FakeHost:
    """Made from what should be on it: `FakeHost(files={"/etc/motd": b"hello"})`.

    `ran` lists everything that changed it, in order: command lines as text, and `write PATH`, `chmod 0644 PATH`, ….
    """

    files: dict[str, bytes | str | Node] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=lambda: {"root": 0})
    groups: dict[str, int] = field(default_factory=lambda: {"root": 0})
    programs: Sequence[Program] = ()
    answers: dict[tuple[str, ...], Ran | Callable[[FakeHost], Ran]] = field(default_factory=dict)
    paths: Collection[str] = ()
    ran: list[str] = field(default_factory=list)
    inputs: list[str | None] = field(default_factory=list)
    web: dict[str, WebAnswer | Callable[[WebRequest], WebAnswer]] = field(default_factory=dict)
    """What answers at a URL; all others refuse the connection."""
    asked: list[WebRequest] = field(default_factory=list)
    listening: set[tuple[str, int]] = field(default_factory=set)
    """Addresses and ports on which something takes connections."""

    def __post_init__(self) -> None:
        # Two machines made from the same description must not share it.
        self.units, self.users, self.groups = deepcopy(self.units), dict(self.users), dict(self.groups)
        self.programs = deepcopy(self.programs)
        self.acting: str | None = None
        """As which user the program runs that is being answered; None: as root."""
        self.cwd = "/"
        """Where the command that a program answers was run."""
        self.nodes: dict[str, Node] = {"/": Node("directory", mode=0o755)}
        for path in ("/etc", "/srv", "/tmp", "/opt", "/var/lib"):
            self.add(path, Node("directory", mode=0o755))
        if self.units:
            self.add("/run/systemd/system", Node("directory", mode=0o755))
        for path, what in self.files.items():
            self.add(path, what)

    def add(self, path: str, what: bytes | str | Node) -> None:
        """Put something there, with the folders above it, without counting it as done."""
        if not isinstance(what, Node):
            what = Node(content=what.encode() if isinstance(what, str) else what)
        above = path
        while above := above.rpartition("/")[0]:
            self.nodes.setdefault(above, Node("directory", mode=0o755))
        self.nodes[path] = replace(what)

    # Programs

    def run(
        self,
        argv: Sequence[str],
        *,
        ok: Collection[int] = (0,),
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        user: str | None = None,
        group: str | None = None,
        umask: int | None = None,
        timeout: float | None = None,
        script: str | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> Ran:
        self.acting = user
        self.cwd = cwd or "/"
        answer = self._answer(list(argv), input if script is None else script)
        if tell is not None:
            for line in answer.out.splitlines():
                tell(line)
        if answer.code not in ok:
            raise CommandFailed(argv, answer)
        return answer

    def _answer(self, argv: list[str], input: str | None) -> Ran:
        for program in (*self.programs, _STANDARD):
            if (seen := program.look(argv, self)) is not None:
                return seen
        self.ran.append(" ".join(argv))
        self.inputs.append(input)
        if (taught := self.answers.get(tuple(argv))) is not None:
            return taught if isinstance(taught, Ran) else taught(self)
        for program in (*self.programs, _STANDARD):
            if (done := program.do(argv, self)) is not None:
                return done
        raise UnknownCommand(argv)

    def which(self, program: str) -> str | None:
        return next((p for p in self.paths if p == program or p.endswith(f"/{program}")), None)

    # The network

    def ask(self, request: WebRequest) -> WebAnswer:
        if request.method not in ("GET", "HEAD"):
            self.ran.append(f"{request.method} {request.url}")
        self.asked.append(request)
        answer = self.web.get(request.url)
        if answer is None:
            raise Unreachable(request.url, "Connection refused")
        return answer if isinstance(answer, WebAnswer) else answer(request)

    def reaches(self, address: str, port: int, *, timeout: float) -> str | None:
        return None if (address, port) in self.listening else "Connection refused"

    # Looking

    def entry(self, path: str) -> Entry | None:
        node = self.nodes.get(self._through(path))
        if node is None:
            return None
        return Entry(node.kind, node.mode, node.uid, node.gid, len(node.content), (1, id(node)), node.modified)

    def read(self, path: str) -> bytes | None:
        for _ in range(8):
            node = self.nodes.get(path := self._through(path))
            if node is None or node.kind == "directory":
                return None
            if node.kind == "file":
                return node.content
            path = node.to if node.to.startswith("/") else f"{path.rpartition('/')[0]}/{node.to}"
        return None

    def names_in(self, path: str) -> list[str]:
        start = self._through(f"{path.rstrip('/')}/")
        return sorted(
            {p[len(start) :] for p in self.nodes if p.startswith(start) and "/" not in p[len(start) :]} - {""}
        )

    def link_target(self, path: str) -> str | None:
        node = self.nodes.get(self._through(path))
        return node.to if node is not None and node.kind == "link" else None

    # Changing

    def write(
        self, path: str, content: bytes, *, mode: int | None = None, uid: int | None = None, gid: int | None = None
    ) -> None:
        self._needs_folder(path)
        old = self.nodes.get(path, Node())
        if old.kind == "directory":
            raise IsADirectoryError(21, "Is a directory", path)
        kept = [new if new is not None else was for new, was in ((mode, old.mode), (uid, old.uid), (gid, old.gid))]
        self.nodes[path] = Node("file", content, "", *kept)
        self.ran.append(f"write {path}")

    def make_directory(self, path: str, *, mode: int | None = None, parents: bool = False) -> None:
        if not parents:
            self._needs_folder(path)
        if path in self.nodes:
            raise FileExistsError(17, "File exists", path)
        self.add(path, Node("directory", mode=0o755 if mode is None else mode))
        self.ran.append(f"mkdir {path}")

    def make_link(self, path: str, to: str, *, symbolic: bool = True) -> None:
        self._needs_folder(path)
        old = self.nodes.get(path)
        if old is not None and old.kind == "directory":
            raise IsADirectoryError(21, "Is a directory", path)
        self.nodes[path] = Node("link", to=to, mode=0o777) if symbolic else self.nodes[to]
        self.ran.append(f"link {path} -> {to}")

    def remove(self, path: str, *, recursive: bool = False) -> None:
        below = [p for p in self.nodes if p.startswith(f"{path}/")]
        if below and not recursive:
            raise OSError(39, "Directory not empty", path)
        self.discard(path)
        self.ran.append(f"remove {path}")

    def discard(self, path: str) -> None:
        """Take something away, with what is in it, without counting it as done."""
        for each in [p for p in self.nodes if p == path or p.startswith(f"{path}/")]:
            del self.nodes[each]

    def rename(self, path: str, to: str) -> None:
        for each in [p for p in self.nodes if p == path or p.startswith(f"{path}/")]:
            self.nodes[to + each[len(path) :]] = self.nodes.pop(each)
        self.ran.append(f"rename {path} {to}")

    def chmod(self, path: str, mode: int) -> None:
        self.nodes[path].mode = mode
        self.ran.append(f"chmod {mode:04o} {path}")

    def chown(self, path: str, uid: int | None, gid: int | None) -> None:
        node = self.nodes[path]
        node.uid, node.gid = node.uid if uid is None else uid, node.gid if gid is None else gid
        self.ran.append(f"chown {node.uid}:{node.gid} {path}")

    # Accounts

    def uid_of(self, user: str) -> int | None:
        return self.users.get(user, int(user) if user.isdecimal() else None)

    def gid_of(self, group: str) -> int | None:
        return self.groups.get(group, int(group) if group.isdecimal() else None)

    def user_name(self, uid: int) -> str:
        return next((name for name, number in self.users.items() if number == uid), str(uid))

    def group_name(self, gid: int) -> str:
        return next((name for name, number in self.groups.items() if number == gid), str(gid))

    def home_of(self, user: str) -> str | None:
        return None if user not in self.users else "/root" if user == "root" else f"/home/{user}"

    def _through(self, path: str) -> str:
        """The same place without links on the way to it; the last part itself may be one."""
        end = path.find("/", 1)
        while end != -1:
            node = self.nodes.get(path[:end])
            if node is not None and node.kind == "link":
                before = "" if node.to.startswith("/") else path[: path.rindex("/", 0, end)] + "/"
                path, end = normpath(before + node.to + path[end:]) + "/" * path.endswith("/"), 0
            end = path.find("/", end + 1)
        return path

    def _needs_folder(self, path: str) -> None:
        folder = path.rpartition("/")[0] or "/"
        if folder not in self.nodes:
            raise FileNotFoundError(2, "No such file or directory", path)


class _Standard:
    """What every machine has: tests, systemd units, and groups."""

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["true"] | ["sleep", _] | ["journalctl", *_]:
                return Ran()
            case ["false"]:
                return Ran(code=1)
            case ["test", "-e", path]:
                return Ran(code=0 if path in host.nodes else 1)
            case ["test", "-d", path]:
                node = host.nodes.get(path)
                return Ran(code=0 if node is not None and node.kind == "directory" else 1)
            case ["systemctl", "show", _, "--", name]:
                unit = host.units.get(name.removesuffix(".service"))
                if unit is None:
                    return Ran(out="ActiveState=inactive\nUnitFileState=\n")
                active = "active" if unit.active else "inactive"
                file = "masked" if unit.masked else "enabled" if unit.enabled else "disabled"
                return Ran(out=f"ActiveState={active}\nUnitFileState={file}\n")
            case ["systemctl", "--global", "is-enabled", "--quiet", "--", name]:
                return Ran(code=0 if f"/etc/systemd/user/default.target.wants/{name}" in host.nodes else 1)
            case ["getent", "group", "--", name]:
                gid = host.groups.get(name)
                return Ran(code=2) if gid is None else Ran(out=f"{name}:x:{gid}:\n")
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["touch", path] | ["touch", "--", path]:
                host.add(path, b"")
            case ["rm", "--force", "--", *paths] | ["rm", "--force", "--recursive", "--one-file-system", "--", *paths]:
                for path in paths:
                    host.discard(path)
            case ["systemctl", "--global", ("enable" | "disable") as verb, "--", name]:
                link = f"/etc/systemd/user/default.target.wants/{name}"
                host.nodes.pop(link, None)
                if verb == "enable":
                    host.add(link, Node("link", to=f"../{name}"))
            case ["systemctl", "daemon-reload"]:
                _read_units(host)
            case ["systemctl", verb, "--", name]:
                return _systemctl(verb, name, host)
            case ["groupadd" | "groupmod", "--gid", gid, "--", name]:
                host.groups[name] = int(gid)
            case ["groupadd", "--", name]:
                host.groups[name] = max([999, *host.groups.values()]) + 1
            case ["groupdel", "--", name]:
                del host.groups[name]
            case _:
                return None
        return Ran()


def _read_units(host: FakeHost) -> None:
    """What systemd does when it looks at its unit files: new ones are known from now on."""
    there = {name.removesuffix(".service") for name in host.names_in("/etc/systemd/system") if "." in name}
    for name in there:
        host.units.setdefault(name, Unit())


def _systemctl(verb: str, name: str, host: FakeHost) -> Answer:
    unit = host.units.get(name.removesuffix(".service"))
    if unit is None:
        full = name if "." in name else f"{name}.service"
        return Ran(code=5, err=f"Failed to {verb} {full}: Unit {full} not found.")
    match verb:
        case "start" | "restart" | "reload" | "reload-or-restart" if unit.masked:
            return Ran(code=1, err=f"Failed to {verb} {name}: Unit {name} is masked.")
        case "start" | "restart" | "reload" | "reload-or-restart":
            unit.active = not unit.broken
        case "stop":
            unit.active = False
        case "enable" | "disable":
            unit.enabled = verb == "enable"
        case "mask" | "unmask":
            unit.masked = verb == "mask"
        case _:
            return None
    return Ran()


_STANDARD = _Standard()
