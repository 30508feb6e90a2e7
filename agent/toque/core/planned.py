"""The machine as a dry run sees it: the real one, and over it what earlier lines of the plan would have made.

A plan must not claim what it cannot know. So there are three answers to a look: what is there and nothing above would
touch; what an earlier line would make and the plan knows (a file, a folder, a link, a user, a group); and Unforeseen,
which names the earlier line, for what that line would change in a way nobody knows before (what is in an archive, what
a package brings).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from toque.core.errors import ToqueError
from toque.core.host import CommandFailed, Entry, Host, Kind, Ran, WebAnswer, WebRequest
from toque.core.unknown import Unknown

if TYPE_CHECKING:
    from toque.core.resource import Change, Resource

_FIRST_NUMBER = 1 << 31
"""Users and groups that have no number yet get one from here, that no account has."""
_FOLLOWED = 8
_ACCOUNTS = {"passwd": "user", "shadow": "user", "group": "group", "gshadow": "group"}
_NOT_FOUND = 127


class Unforeseen(ToqueError):
    """A look, in a dry run, at something that an earlier line would change in a way that nobody knows before."""

    def __init__(self, cause: str, would: str = "change it") -> None:
        self.cause, self.would = cause, would
        super().__init__(cause, would)

    def __str__(self) -> str:
        return f"{self.cause} above would {self.would}"


@dataclass
class _Thing:
    """An entry that the plan would make; `content` of a file, or where a link leads."""

    kind: Kind
    mode: int
    uid: int
    gid: int
    content: bytes = b""
    to: str = ""
    new: bool = False
    """Of a folder: it holds nothing but what the plan puts there."""


class Planned:
    """A Host over another one: it reads through what was planned, and what is written stays in it.

    `clouds` are the places that a line would change without the plan knowing how, each with that line.
    """

    def __init__(self, host: Host) -> None:
        self.real = host
        self.clouds: dict[str, str] = {}
        self._vague: dict[str, str] = {}
        self._things: dict[str, _Thing | None] = {}
        self._makers: dict[str, str] = {}
        self._names: dict[str, dict[str, tuple[str, int | None]]] = {"user": {}, "group": {}, "package": {}}
        self._homes: dict[str, str | None] = {}
        self._acting = ""
        self._scratch: list[str] = []
        """Folders that were made only to look, such as one for the key of a git repository: real, and gone after it."""

    # What lines of the plan say

    def acts_as(self, resource: str) -> None:
        """Who makes what is planned from here on."""
        self._acting = resource

    def cloud(self, path: str) -> None:
        """Everything at `path` and below would change, and nobody knows how."""
        self.clouds[path.rstrip("/") or "/"] = self._acting

    def new_folder(self, path: str) -> None:
        """A folder that would be made, by a program that decides about its owner and mode."""
        self.make_directory(path, parents=True)
        self._vague[path] = self._acting

    def account(
        self, kind: str, name: str, number: int | None = None, *, present: bool = True, home: str | None = None
    ) -> None:
        """A user or a group that would be there (with its number, where the plan knows it) or be gone."""
        known = self._names[kind]
        if present and number is None:
            real = self.real.uid_of(name) if kind == "user" else self.real.gid_of(name)
            number = _FIRST_NUMBER + len(known) if real is None else real
        known[name] = (self._acting, number if present else None)
        if kind == "user":
            self._homes[name] = home

    def packages(self, names: Sequence[str]) -> None:
        """Packages that would be installed, or removed."""
        for name in names:
            self._names["package"][name.partition(":")[0]] = (self._acting, None)

    @property
    def changed_packages(self) -> dict[str, str]:
        """Packages that would be installed or removed, each with the line that would."""
        return {name: line for name, (line, _) in self._names["package"].items()}

    def doubts(self, path: str) -> bool:
        """Whether it is known already that nobody knows what would be at `path`."""
        return path in self._vague or self._cloud_over(path) != ""

    @property
    def knows_something(self) -> bool:
        """Whether any line told what would be there."""
        return bool(self._things or any(self._names.values()))

    # Programs

    def run(self, argv: Sequence[str], **options: Any) -> Ran:
        """A program that only looks. What is handed something planned would see what is not there yet."""
        for cause, would in self._concerned([*argv, options.get("cwd") or "", options.get("user") or ""]):
            raise Unforeseen(cause, would)
        try:
            ran = self.real.run(argv, **options)
            if argv[0] == "mktemp":
                self._scratch.append(ran.out.strip())
            return ran
        except CommandFailed as error:
            if error.ran.code == _NOT_FOUND and (packages := self.changed_packages):
                line = next((of for name, of in packages.items() if name in argv[0]), list(packages.values())[-1])
                raise Unforeseen(line, f"come first, and {argv[0]} is not here yet") from error
            raise

    def ask(self, request: WebRequest) -> WebAnswer:
        """A look at the network is no change, and its answer the same, unless a line above would change that."""
        return self.real.ask(request)

    def reaches(self, address: str, port: int, *, timeout: float) -> str | None:
        return self.real.reaches(address, port, timeout=timeout)

    def _concerned(self, argv: Sequence[str]) -> Iterator[tuple[str, str]]:
        if list(argv[:1]) == ["getent"]:
            known = self._names[_ACCOUNTS.get(argv[1], "user")]
            yield from ((known[name][0], f"change {name}") for name in argv[2:] if name in known)
            return
        for argument in argv[1:]:
            for names in self._names.values():
                if argument in names:
                    yield names[argument][0], "change what it is about"
            if argument.startswith("/") and (cause := self._planned_by(argument)):
                yield cause, f"change {argument}"

    def _planned_by(self, path: str) -> str:
        """The line that would change what is at a path, or a folder above it."""
        places = (path.rstrip("/") or "/", *_above(path))
        return next((by[p] for p in places for by in (self.clouds, self._makers) if p in by), "")

    def which(self, program: str) -> str | None:
        found = self.real.which(program)
        if found is None and self.changed_packages:
            raise Unforeseen(list(self.changed_packages.values())[-1], f"come first, and {program} is not here yet")
        return found

    # Looking

    def entry(self, path: str) -> Entry | None:
        found = self._find(path)
        if isinstance(found, str):
            return self.real.entry(found)
        if found is None:
            return None
        return Entry(found.kind, found.mode, found.uid, found.gid, len(found.content), (-1, id(found)))

    def read(self, path: str) -> bytes | None:
        for _ in range(_FOLLOWED):
            found = self._find(path)
            if isinstance(found, str):
                target = self.real.link_target(found)
                if target is None or not self._things:
                    return self.real.read(found)
                path = _joined(found, target)
            elif found is None or found.kind == "directory":
                return None
            elif found.kind == "file":
                return found.content
            else:
                path = _joined(path, found.to)
        return None

    def names_in(self, path: str) -> list[str]:
        found = self._find(path)
        standing = isinstance(found, str) or (found is not None and not found.new)
        names = set(self.real.names_in(found if isinstance(found, str) else path)) if standing else set[str]()
        start = path.rstrip("/") + "/"
        for known, thing in self._things.items():
            name = known.removeprefix(start)
            if known.startswith(start) and "/" not in name:
                (names.discard if thing is None else names.add)(name)
        for cloud, cause in self.clouds.items():
            if cloud.startswith(start) and "/" not in cloud.removeprefix(start):
                raise Unforeseen(cause, f"change {cloud}")
        return sorted(names)

    def link_target(self, path: str) -> str | None:
        found = self._find(path)
        if isinstance(found, str):
            return self.real.link_target(found)
        return found.to if found is not None and found.kind == "link" else None

    def _find(self, path: str) -> _Thing | str | None:
        """What is planned at a path, links above it followed; the path itself where only the machine knows."""
        if not self._things and not self.clouds:
            return path
        for _ in range(_FOLLOWED):
            cause = self._cloud_over(path)
            if cause or (cause := self._vague.get(path, "")):
                raise Unforeseen(cause, f"change {path}")
            if path in self._things:
                return self._things[path]
            above = next((p for p in _above(path) if p in self._things and not self._stands(p)), None)
            if above is None:
                return path
            thing = self._things[above]
            if thing is None or thing.kind != "link":
                # In a folder that would be new, or is gone by then, there is only what the plan put there.
                return None
            path = _joined(above, thing.to) + path[len(above) :]
        return None

    def _stands(self, path: str) -> bool:
        """Whether what the plan knows at a path is a folder of the machine, with its owner or mode changed."""
        thing = self._things[path]
        return thing is not None and thing.kind == "directory" and not thing.new

    def _cloud_over(self, path: str) -> str:
        if not self.clouds:
            return ""
        place = next((p for p in (path.rstrip("/") or "/", *_above(path)) if p in self.clouds), None)
        return "" if place is None else self.clouds[place]

    # Changing: in the plan only

    def write(
        self, path: str, content: bytes, *, mode: int | None = None, uid: int | None = None, gid: int | None = None
    ) -> None:
        if self._is_scratch(path):
            self.real.write(path, content, mode=mode, uid=uid, gid=gid)
            return
        old = self.entry(path)
        if old is None or old.kind != "file":
            old = Entry("file", 0o644, 0, 0)
        mode, uid, gid = (
            now if now is not None else was for now, was in ((mode, old.mode), (uid, old.uid), (gid, old.gid))
        )
        self._put(path, _Thing("file", mode, uid, gid, content))

    def _is_scratch(self, path: str) -> bool:
        return any(path == each or path.startswith(f"{each}/") for each in self._scratch)

    def make_directory(self, path: str, *, mode: int | None = None, parents: bool = False) -> None:
        if self._is_scratch(path):
            self.real.make_directory(path, mode=mode, parents=parents)
            return
        for above in reversed(_above(path)) if parents else ():
            if self.entry(above) is None:
                self._put(above, _Thing("directory", 0o755, 0, 0, new=True))
        self._put(path, _Thing("directory", 0o755 if mode is None else mode, 0, 0, new=True))

    def make_link(self, path: str, to: str, *, symbolic: bool = True) -> None:
        if not symbolic:
            raise Unforeseen(self._acting)
        self._put(path, _Thing("link", 0o777, 0, 0, to=to))

    def remove(self, path: str, *, recursive: bool = False) -> None:
        if self._is_scratch(path):
            self.real.remove(path, recursive=recursive)
            return
        for below in [p for p in self._things if p.startswith(f"{path}/")]:
            del self._things[below]
        for known in (self.clouds, self._vague):
            for below in [p for p in known if p == path or p.startswith(f"{path}/")]:
                del known[below]
        self._put(path, None)

    def rename(self, path: str, to: str) -> None:
        self.cloud(path)
        self.cloud(to)

    def chmod(self, path: str, mode: int) -> None:
        self._own(path).mode = mode

    def chown(self, path: str, uid: int | None, gid: int | None) -> None:
        thing = self._own(path)
        thing.uid, thing.gid = thing.uid if uid is None else uid, thing.gid if gid is None else gid

    def _put(self, path: str, thing: _Thing | None) -> None:
        self._things[path] = thing
        self._makers[path] = self._acting
        self._vague.pop(path, None)

    def _own(self, path: str) -> _Thing:
        """The entry at a path as the plan's own, to be changed; a copy of what the machine has there."""
        found = self._find(path)
        if isinstance(found, _Thing):
            return found
        real = self.real.entry(found) if found is not None else None
        if real is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        content, to = self.real.read(path) or b"", self.real.link_target(path) or ""
        thing = _Thing(real.kind, real.mode, real.uid, real.gid, content, to)
        self._put(path, thing)
        return thing

    # Accounts

    def uid_of(self, user: str) -> int | None:
        return self._names["user"][user][1] if user in self._names["user"] else self.real.uid_of(user)

    def gid_of(self, group: str) -> int | None:
        return self._names["group"][group][1] if group in self._names["group"] else self.real.gid_of(group)

    def user_name(self, uid: int) -> str:
        known = (name for name, (_, number) in self._names["user"].items() if number == uid)
        return next(known, None) or self.real.user_name(uid)

    def group_name(self, gid: int) -> str:
        known = (name for name, (_, number) in self._names["group"].items() if number == gid)
        return next(known, None) or self.real.group_name(gid)

    def home_of(self, user: str) -> str | None:
        if user not in self._names["user"]:
            return self.real.home_of(user)
        line, number = self._names["user"][user]
        if number is None:
            return None
        home = self._homes.get(user) or self.real.home_of(user)
        if home is None:
            raise Unforeseen(line, f"make the user {user}, and with it a home folder")
        return home


def _above(path: str) -> list[str]:
    """The folders above a path, the nearest first, without the root."""
    folders = []
    while path := path.rstrip("/").rpartition("/")[0]:
        folders.append(path)
    return folders


def _joined(link: str, to: str) -> str:
    """Where a link leads."""
    from posixpath import normpath

    return normpath(to if to.startswith("/") else f"{link.rpartition('/')[0]}/{to}")


def foretell(plan: Planned, resource: Resource[Any], change: Change[Any] | None) -> None:
    """Let later lines of the plan see what this one would do; without a change, that nobody knows what it would do."""
    if change is None and plan.doubts(resource.identity()):
        return
    plan.acts_as(str(resource))
    try:
        if change is None:
            raise Unforeseen(str(resource))
        resource.foretell(plan, change)
    except (ToqueError, OSError):
        plan.acts_as(str(resource))
        cloud_identity(plan, resource)


def cloud_identity(plan: Planned, resource: Resource[Any]) -> None:
    """A resource that is named by a path would change what is there."""
    identity = resource.identity()
    if identity.startswith("/") and Unknown.TEXT not in identity:
        plan.cloud(identity)


def planned(host: Host) -> tuple[Host, Planned]:
    """The machine for a dry run, as resources see it and as the engine fills it."""
    plan = Planned(host)
    return cast(Host, plan), plan
