"""What a test sees of a node in memory: files, services, packages and accounts, asked as resources ask the machine."""

from __future__ import annotations

from dataclasses import dataclass

from toque.core.errors import did_you_mean
from toque.platforms.package import packages_of
from toque.platforms.service import services_of
from toque.testing.machine import FakeHost


@dataclass(frozen=True)
class FileView:
    """A file, folder or link of the machine in memory, links not followed but for `content` and `text`."""

    host: FakeHost
    path: str

    @property
    def exists(self) -> bool:
        return self.host.entry(self.path) is not None

    @property
    def kind(self) -> str:
        """file, directory, link, or empty when there is nothing."""
        found = self.host.entry(self.path)
        return found.kind if found is not None else ""

    @property
    def content(self) -> bytes:
        content = self.host.read(self.path)
        if content is None:
            folder, _, name = self.path.rpartition("/")
            near = did_you_mean(name, self.host.names_in(folder or "/"))
            raise AssertionError(f"there is no file {self.path} on the node{near}")
        return content

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def mode(self) -> str:
        """Four octal digits, as recipes write them."""
        return f"{self._entry().mode:04o}"

    @property
    def owner(self) -> str:
        return self.host.user_name(self._entry().uid)

    @property
    def group(self) -> str:
        return self.host.group_name(self._entry().gid)

    @property
    def target(self) -> str | None:
        """Where a link leads; None for what is no link."""
        return self.host.link_target(self.path)

    def _entry(self) -> _Entry:
        found = self.host.entry(self.path)
        if found is None:
            raise AssertionError(f"there is nothing at {self.path} on the node")
        return _Entry(found.mode, found.uid, found.gid)


@dataclass(frozen=True)
class _Entry:
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class ServiceView:
    """A service, by whichever manager the platform has."""

    host: FakeHost
    name: str

    @property
    def running(self) -> bool:
        return services_of(self.host, self.name).running(self.name)

    @property
    def enabled(self) -> bool:
        """Whether it starts at boot."""
        return services_of(self.host, self.name).enabled(self.name)

    @property
    def defined(self) -> bool:
        """Whether a recipe declared it with `command=`."""
        return services_of(self.host, self.name).has_definition(self.name)


@dataclass(frozen=True)
class PackageView:
    """A package, by the platform's package manager."""

    host: FakeHost
    name: str

    @property
    def installed(self) -> bool:
        return self.version is not None

    @property
    def version(self) -> str | None:
        return packages_of(self.host).installed([self.name]).get(self.name)


@dataclass(frozen=True)
class UserView:
    """An account."""

    host: FakeHost
    name: str

    @property
    def exists(self) -> bool:
        return self.name in self.host.users

    @property
    def uid(self) -> int:
        return int(self._row()[2])

    @property
    def group(self) -> str:
        return self.host.group_name(int(self._row()[3]))

    @property
    def groups(self) -> list[str]:
        """The first group and the others."""
        return self.host.run(["id", "--groups", "--name", "--", self.name]).out.split()

    @property
    def home(self) -> str:
        return self._row()[5]

    @property
    def shell(self) -> str:
        return self._row()[6]

    def _row(self) -> list[str]:
        if not self.exists:
            raise AssertionError(f"there is no user {self.name} on the node{did_you_mean(self.name, self.host.users)}")
        return self.host.run(["getent", "passwd", "--", self.name]).out.strip().split(":")


@dataclass(frozen=True)
class GroupView:
    """A group."""

    host: FakeHost
    name: str

    @property
    def exists(self) -> bool:
        return self.name in self.host.groups

    @property
    def gid(self) -> int | None:
        return self.host.groups.get(self.name)

    @property
    def members(self) -> list[str]:
        row = self.host.run(["getent", "group", "--", self.name]).out.strip().split(":")
        return [name for name in row[3].split(",") if name]
