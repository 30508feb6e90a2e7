"""systemd_unit: a unit file of systemd, or a drop-in of one, and whether it runs."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from toque.core import BadProperty, Change, Host, Resource, ToqueError, action, recipe_word, resource
from toque.platforms.service.systemd import Systemd
from toque.platforms.service.units import EVERY_USER, KINDS, SYSTEM, Sections, place, take_away, text_of, verify

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9@._:+-]{{0,199}}\.(?:{'|'.join(KINDS)})")
_DROP_IN = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,99}")


@dataclass(frozen=True)
class UnitState:
    content: bytes
    running: bool | None = None
    enabled: bool | None = None


class NoSystemd(ToqueError):
    def __init__(self, subject: str) -> None:
        super().__init__(
            f"{subject} cannot be started or enabled: systemd is not what runs on this machine; "
            "leave `running` and `enabled` out to place the file alone"
        )


@resource("systemd_unit")
@dataclass(frozen=True)
class SystemdUnit(Resource[UnitState]):
    """Keep a unit file of systemd in place, and its unit running (or stopped) and enabled (or not); None is left alone.

    name         with its kind, e.g. "shop.service", "backup.timer", "data.mount", "worker@.service"
    content      its text, or sections as mappings: {"Service": {"ExecStart": "/usr/bin/shop"}}. There a list gives a
                 setting several times, and True and False become yes and no. A Secret is refused: all can read a unit
    drop_in      content is an addition to a unit that somebody else provides, kept as NAME.d/DROP_IN.conf
    running      True, False, or None: not managed. What runs is restarted when its content changed
    enabled      whether it starts at boot; its content needs an [Install] section for that
    scope        "system", or "user": the managers of all users have it; `running` is then not ours to say
    verify       let systemd-analyze judge it before it is in place: what it says of this unit is an error. False where
                 the program that it starts is installed only later
    timeout      seconds that it may take to start, stop or restart; without, as long as the unit itself allows
    present      False stops and disables it, and removes its file. With drop_in it removes only that: what runs keeps
                 the setting until it starts again

    The files lie in /etc/systemd/system, and in /etc/systemd/user. systemd reads its units again once, when something
    has changed. Where systemd does not run the file is placed all the same. For a program of your own there is
    `service` with command=, for commands at certain times there is `timer`. Actions, to call or to give to
    `notify=[...]`: `restart`, `reload`, `start`, `stop`.

        systemd_unit("shop.socket", running=True, enabled=True, verify=False, content={
            "Unit": {"Description": "Where the shop listens"},
            "Socket": {"ListenStream": [8080, "/run/shop.sock"]},
            "Install": {"WantedBy": "sockets.target"},
        })
        systemd_unit("nginx.service", drop_in="limits", content="[Service]\\nLimitNOFILE=65536\\n", running=True)
    """

    name: str
    _: KW_ONLY
    content: str | Sections | None = None
    drop_in: str | None = None
    running: bool | None = None
    enabled: bool | None = None
    scope: Literal["system", "user"] = "system"
    verify: bool = True
    timeout: float | None = None
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            kinds = ", ".join(KINDS)
            raise BadProperty(f"systemd_unit name must end in a kind ({kinds}), e.g. shop.service, got {self.name!r}")
        if self.drop_in is not None and not _DROP_IN.fullmatch(self.drop_in):
            raise BadProperty(f"systemd_unit drop_in must be letters, digits and @ . _ + -, got {self.drop_in!r}")
        if self.scope == "user" and self.running is not None:
            raise BadProperty('systemd_unit running is not known in scope="user": every user has a manager of his own')
        if self.timeout is not None and self.timeout <= 0:
            raise BadProperty(f"systemd_unit timeout must be more than 0 seconds, got {self.timeout:g}")
        if "@." in self.name and (self.running is not None or self.enabled is not None):
            raise BadProperty(
                f"systemd_unit {self.name} is a template: it cannot run or be enabled itself; say so of an instance, "
                f"by service({self.name.replace('@.', '@NAME.')!r})"
            )
        if not self.present:
            return
        if self.content is None:
            raise BadProperty("systemd_unit needs content (to start or enable a unit that exists there is `service`)")
        text_of("systemd_unit", self.content)

    def identity(self) -> str:
        return self.name if self.drop_in is None else self._path()

    def desired(self) -> UnitState | None:
        return UnitState(self._text().encode(), self.running, self.enabled) if self.present else None

    def current(self, host: Host) -> UnitState | None:
        content = host.read(f"{self._folder()}/{self._path()}")
        if content is None:
            return None
        systemd = self._systemd(host)
        return UnitState(
            content,
            running=systemd.is_here() and systemd.running(self.name) if self.running is not None else None,
            enabled=self._is_enabled(host) if self.enabled is not None else None,
        )

    def apply(self, host: Host, change: Change[UnitState]) -> None:
        systemd = self._systemd(host)
        if change.want is None:
            self._take_away(host)
            return
        if not systemd.is_here() and {"running", "enabled"} & change.fields:
            raise NoSystemd(str(self))
        runs = "content" in change and self._put(host)
        if "enabled" in change and self.enabled is not None:
            self._set_enabled(host, self.enabled)
        if runs:
            systemd.restart(self.name)
        elif "running" in change:
            (systemd.start if self.running else systemd.stop)(self.name)

    def has_done(self, name: str, change: Change[UnitState] | None) -> bool:
        """What was started or restarted a moment ago needs no restart; what shall not run must get none."""
        if self.running is False or not self.present:
            return name in ("restart", "reload")
        return change is not None and bool(self.running) and bool({"running", "content"} & change.fields)

    @action
    def restart(self, host: Host) -> None:
        """Stop it and start it again."""
        self._systemd(host).restart(self.name)

    @action
    def reload(self, host: Host) -> None:
        """Make it read its configuration again; restart it where that is not possible."""
        self._systemd(host).reload(self.name)

    @action
    def start(self, host: Host) -> None:
        """Start it now, whatever `running` says."""
        self._systemd(host).start(self.name)

    @action
    def stop(self, host: Host) -> None:
        """Stop it now, whatever `running` says."""
        self._systemd(host).stop(self.name)

    def _put(self, host: Host) -> bool:
        """Judge the new content and put it in place; whether the unit is to be restarted for it."""
        systemd, files = self._systemd(host), {self._path(): self._text()}
        if self.verify:
            verify(host, self.name, files, self._folder())
        runs = bool(self.running) and systemd.is_here() and systemd.running(self.name)
        place(host, files, self._folder())
        self._read_again(host)
        return runs

    def _take_away(self, host: Host) -> None:
        systemd = self._systemd(host)
        if self.drop_in is None and systemd.is_here() and "@." not in self.name:
            if self.scope == "system" and systemd.running(self.name):
                systemd.stop(self.name)
            if self._is_enabled(host):
                self._set_enabled(host, False)
        take_away(host, [self._path()], self._folder())
        self._read_again(host)

    def _read_again(self, host: Host) -> None:
        systemd = self._systemd(host)
        if self.scope == "system" and systemd.is_here():
            systemd.read_again()

    def _is_enabled(self, host: Host) -> bool:
        systemd = self._systemd(host)
        if not systemd.is_here():
            return False
        if self.scope == "user":
            argv = ["systemctl", "--global", "is-enabled", "--quiet", "--", self.name]
            return host.run(argv, ok=range(256)).code == 0
        return systemd.enabled(self.name)

    def _set_enabled(self, host: Host, enabled: bool) -> None:
        if self.scope == "user":
            host.run(["systemctl", "--global", "enable" if enabled else "disable", "--", self.name])
            return
        self._systemd(host).set_enabled(self.name, enabled)

    def _systemd(self, host: Host) -> Systemd:
        return Systemd(host, self.timeout)

    def _text(self) -> str:
        return text_of("systemd_unit", self.content or "")

    def _folder(self) -> str:
        return SYSTEM if self.scope == "system" else EVERY_USER

    def _path(self) -> str:
        return self.name if self.drop_in is None else f"{self.name}.d/{self.drop_in.removesuffix('.conf')}.conf"


systemd_unit = recipe_word(SystemdUnit)
