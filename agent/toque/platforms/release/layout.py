"""The folders of one app (chapter 05, section 7.1), and the steps on them that every kind of deployment shares.

    /srv/www/<shortname>/
        current -> releases/20301231235959
        releases/20301231235959/            .opsworks-release.json once it is finished
        shared/                             log config system pids scripts sockets, cached-copy
        .toque-release.json                 which command put which release in place

A release without its marker was never finished: it is debris, and neither kept nor rolled back to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from toque.core import Host
from toque.core.errors import ToqueError

SHARED = ("log", "config", "system", "pids", "scripts", "sockets")
SYMLINKS: Mapping[str, str] = {"system": "public/system", "pids": "tmp/pids", "log": "log"}
PURGED = ("log", "tmp/pids", "public/system")
CREATED = ("tmp", "public", "config")


class NothingToRollBackTo(ToqueError):
    """No finished release is older than the current one; the current one stays in place."""

    def __init__(self, shortname: str) -> None:
        super().__init__(shortname)
        self.shortname = shortname

    def __str__(self) -> str:
        return f"There is no release to rollback to! {self.shortname} keeps its current release"


@dataclass(frozen=True)
class Marker:
    """What a finished release says of itself. `finished_at` is in seconds since the epoch."""

    deployment_id: str
    revision: str
    finished_at: float


@dataclass(frozen=True)
class Layout:
    """The folders of the app `shortname` below `root`."""

    root: str
    shortname: str

    @property
    def deploy_to(self) -> str:
        return f"{self.root}/{self.shortname}"

    @property
    def current(self) -> str:
        return f"{self.deploy_to}/current"

    @property
    def releases(self) -> str:
        return f"{self.deploy_to}/releases"

    @property
    def shared(self) -> str:
        return f"{self.deploy_to}/shared"

    @property
    def cached_copy(self) -> str:
        return f"{self.shared}/cached-copy"

    @property
    def record(self) -> str:
        return f"{self.deploy_to}/.toque-release.json"

    def create(self, host: Host) -> None:
        """Make the folders that are missing, for everyone to pass through and the app to write in."""
        for path, mode in ((self.deploy_to, 0o775), (self.releases, 0o775), (self.shared, 0o770)):
            if host.entry(path) is None:
                host.make_directory(path, mode=mode, parents=True)
        for name in SHARED:
            if host.entry(f"{self.shared}/{name}") is None:
                host.make_directory(f"{self.shared}/{name}", mode=0o770)

    def new_release(self, host: Host, at: datetime) -> str:
        """The path of a release that begins now; a second one in the same second gets `-2`."""
        second = at.strftime("%Y%m%d%H%M%S")
        # Above every number of this second that is there, so that a removed one is not taken again and sorted as old.
        number = max((_age(name)[1] for name in host.names_in(self.releases) if _age(name)[0] == second), default=0) + 1
        return f"{self.releases}/{second}" + (f"-{number}" if number > 1 else "")

    def live(self, host: Host) -> str | None:
        """The name of the release that `current` points to; None when there is none."""
        target = host.link_target(self.current)
        return target.rpartition("/")[2] if target else None

    def finished(self, host: Host) -> list[str]:
        """The names of the finished releases, oldest first."""
        names = host.names_in(self.releases)
        return sorted((n for n in names if self.marker(host, n) is not None), key=_age)

    def marker(self, host: Host, release: str) -> Marker | None:
        text = host.read(f"{self.releases}/{release}/.opsworks-release.json")
        if text is None:
            return None
        try:
            return Marker(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def mark(self, host: Host, release: str, marker: Marker) -> None:
        host.write(f"{release}/.opsworks-release.json", json.dumps(asdict(marker)).encode() + b"\n", mode=0o644)

    def switch(self, host: Host, release: str) -> None:
        """Make a release the current one, at once: no reader ever finds `current` missing."""
        host.make_link(self.current, f"releases/{release.rpartition('/')[2]}")

    def link_shared(self, host: Host, release: str, symlinks: Mapping[str, str], purged: Sequence[str]) -> None:
        """Put links to the shared folders where the release expects its own."""
        for name in CREATED:
            if host.entry(f"{release}/{name}") is None:
                host.make_directory(f"{release}/{name}", mode=0o775)
        for name in purged:
            if host.entry(f"{release}/{name}") is not None:
                host.remove(f"{release}/{name}", recursive=True)
        for shared, place in symlinks.items():
            depth = place.strip("/").count("/") + 2
            folder = f"{release}/{place}".rpartition("/")[0]
            if host.entry(folder) is None:
                host.make_directory(folder, mode=0o775, parents=True)
            host.make_link(f"{release}/{place}", f"{'../' * depth}shared/{shared}")

    def previous(self, host: Host) -> str:
        """The finished release before the current one. Raises NothingToRollBackTo."""
        live = self.live(host)
        older = [name for name in self.finished(host) if live is not None and _age(name) < _age(live)]
        if not older:
            raise NothingToRollBackTo(self.shortname)
        return older[-1]

    def remove_newer(self, host: Host, release: str) -> None:
        """Remove every release newer than this one, unfinished ones included."""
        for name in host.names_in(self.releases):
            if _age(name) > _age(release):
                host.remove(f"{self.releases}/{name}", recursive=True)

    def trim(self, host: Host, keep: int) -> None:
        """Remove debris, and the oldest releases until `keep` remain; the current one always stays."""
        live, finished = self.live(host), self.finished(host)
        kept = {*finished[-max(keep, 1) :], live}
        for name in host.names_in(self.releases):
            if name not in kept:
                host.remove(f"{self.releases}/{name}", recursive=True)


def _age(name: str) -> tuple[str, int]:
    """Releases in the order in which they began: by second, then by their number within it."""
    second, _, number = name.partition("-")
    return second, int(number) if number.isdecimal() else 1
