"""limits: how much of something a user's sessions may take."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource

_FOLDER = "/etc/security/limits.d"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}")
_DOMAIN = re.compile(r"\*|[@%]?[A-Za-z_][A-Za-z0-9_.-]*\$?|@?(\d+:\d*|:\d+)")
_BELOW_ZERO = {"nice", "priority"}

Item = Literal[
    "as", "core", "cpu", "data", "fsize", "locks", "maxlogins", "maxsyslogins", "memlock", "msgqueue", "nice",
    "nofile", "nonewprivs", "nproc", "priority", "rss", "rtprio", "sigpending", "stack",
]  # fmt: skip


@dataclass(frozen=True)
class LimitsState:
    content: bytes
    mode: str


@resource("limits")
@dataclass(frozen=True)
class Limits(Resource[LimitsState]):
    """Limit what sessions of a user or group may take (ulimit), by a file of this name in /etc/security/limits.d.

    name     of the file (without `.conf`); where several speak of one thing, the last name in the alphabet holds
    domain   a user, "@group", "*" for all but root, or numbers of users such as "1000:2000"
    item     what is limited, as limits.conf(5) has it: nofile (open files), nproc (processes), memlock (KiB), core, …
    soft     what a session begins with: a number, or "unlimited"
    hard     how far it may raise that itself
    present  False removes the file

    It holds for sessions that begin afterwards (login, su, sudo, cron), not for services of systemd, which have their
    own.

        limits("shop", domain="deploy", item="nofile", soft=16384, hard=65536)
        limits("no-core", domain="*", item="core", hard=0)
    """

    foreseeable: ClassVar[bool] = True
    name: str
    _: KW_ONLY
    domain: str = ""
    item: Item | None = None
    soft: int | Literal["unlimited"] | None = None
    hard: int | Literal["unlimited"] | None = None
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProperty(f"limits name must be letters, digits and _ . @ + -, got {self.name!r}")
        if not self.present:
            return
        if not _DOMAIN.fullmatch(self.domain):
            raise BadProperty(f'limits domain must be a user, "@group", "*" or "1000:2000", got {self.domain!r}')
        if self.item is None:
            raise BadProperty('limits needs item, e.g. "nofile"')
        if self.soft is None and self.hard is None:
            raise BadProperty("limits needs soft or hard, or both")
        for name, value in (("soft", self.soft), ("hard", self.hard)):
            if isinstance(value, int) and value < (-20 if self.item in _BELOW_ZERO else 0):
                raise BadProperty(f'limits {name} of {self.item} must not be {value} ("unlimited" is a word)')
        if self.item not in _BELOW_ZERO and _size(self.soft, 0) > _size(self.hard, float("inf")):
            raise BadProperty(f"limits soft must not be above hard, got {self.soft} and {self.hard}")

    def desired(self) -> LimitsState | None:
        if not self.present:
            return None
        given = {"soft": self.soft, "hard": self.hard}
        lines = [f"{self.domain} {kind} {self.item} {value}\n" for kind, value in given.items() if value is not None]
        return LimitsState("".join(lines).encode(), "0644")

    def current(self, host: Host) -> LimitsState | None:
        found = host.entry(self._path())
        if found is None or (found.kind != "file" and self.present):
            return None
        return LimitsState(host.read(self._path()) or b"", f"{found.mode:04o}")

    def apply(self, host: Host, change: Change[LimitsState]) -> None:
        if change.want is None:
            host.remove(self._path())
            return
        if host.entry(_FOLDER) is None:
            host.make_directory(_FOLDER, mode=0o755, parents=True)
        host.write(self._path(), change.want.content, mode=0o644, uid=0, gid=0)

    def _path(self) -> str:
        return f"{_FOLDER}/{self.name}.conf"


def _size(value: int | str | None, nothing: float) -> float:
    return nothing if value is None else float("inf") if isinstance(value, str) else value


limits = recipe_word(Limits)
