"""timer: a command that systemd runs at certain times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, ToqueError, action, recipe_word, resource
from toque.core.files import HEAD, user_id
from toque.platforms.environment.systemd import quoted
from toque.platforms.service import definition
from toque.platforms.service.definition import FILES, arguments, check_definition
from toque.platforms.service.systemd import Systemd, in_unit
from toque.platforms.service.units import SYSTEM, place, take_away, verify

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")


@dataclass(frozen=True)
class TimerState:
    content: bytes
    """The pair of units, one after the other."""
    enabled: bool = True
    running: bool = True
    environment: bool = True
    """Whether the file with its environment is as it should be: what it holds may be secret."""


class NoTimers(ToqueError):
    def __init__(self, name: str) -> None:
        super().__init__(f"timer {name} needs systemd, and that is not what runs on this machine: use `cron` here")


@resource("timer")
@dataclass(frozen=True)
class Timer(Resource[TimerState]):
    """Run a command at certain times: a timer of systemd, and the service that it starts.

    name          of both units: NAME.timer and NAME.service
    command       a list of arguments, or a text that is split like one (there is no shell); it may run as long as it
                  needs, and is not started a second time meanwhile
    calendar      when, as in systemd.time(7): "daily", "Mon *-*-* 03:30", "*:0/10"; a list for several
    random_delay  each run starts up to so many seconds later, so that a fleet does not start as one
    persistent    what was missed while the machine was off is made up for after the boot
    user          who the command runs as (root); there must be such a user
    cwd           the folder that it runs in
    environment   its environment; values may be Secrets, the file that holds them is for root only
    present       False removes the pair

    Both units are judged by systemd before they are in place, where systemd-analyze is installed. What the command
    prints is in the journal: `journalctl --unit=NAME`. The action `run` starts the command now, and waits for its end.
    Where systemd does not run, use `cron`.

        timer("shop-backup", command=["/usr/local/bin/backup", "--to", "/srv/backup"], calendar="*-*-* 03:30",
              random_delay=600, persistent=True, user="deploy", environment={"KEEP": "7"})
    """

    name: str
    _: KW_ONLY
    command: str | Sequence[str] = ()
    calendar: str | Sequence[str] = ()
    random_delay: float = 0
    persistent: bool = False
    user: str | None = None
    cwd: str | None = None
    environment: Mapping[str, str] | None = None
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.endswith((".service", ".timer")):
            raise BadProperty(
                f"timer name must be letters, digits and . _ + -, without .timer at its end, got {self.name!r}"
            )
        if not self.present:
            return
        check_definition("timer", self.command, self.cwd, self.user, self.environment)
        for each in self._calendars():
            if not each.strip() or not each.isprintable() or each.endswith("\\"):
                raise BadProperty(f'timer calendar must be a time such as "daily" or "*-*-* 03:30", got {each!r}')
        if not self._calendars():
            raise BadProperty('timer needs calendar, e.g. "daily" or "*-*-* 03:30"')
        if self.random_delay < 0:
            raise BadProperty(f"timer random_delay must be 0 or more seconds, got {self.random_delay:g}")

    def desired(self) -> TimerState | None:
        return TimerState(self._content()) if self.present else None

    def current(self, host: Host) -> TimerState | None:
        found = [host.read(f"{SYSTEM}/{path}") for path in self._paths()]
        if found == [None, None]:
            return None
        systemd = Systemd(host)
        here = systemd.is_here() and self.present
        return TimerState(
            b"".join(each or b"" for each in found),
            enabled=here and systemd.enabled(f"{self.name}.timer"),
            running=here and systemd.running(f"{self.name}.timer"),
            environment=host.read(self._environment_file()) == self._environment(),
        )

    def apply(self, host: Host, change: Change[TimerState]) -> None:
        systemd = Systemd(host)
        unit = f"{self.name}.timer"
        if change.want is None:
            self._take_away(host, systemd)
            return
        if not systemd.is_here():
            raise NoTimers(self.name)
        user_id(host, self.user)
        if "environment" in change:
            self._put_environment(host)
        if "content" in change:
            verify(host, unit, self._units())
            verify(host, f"{self.name}.service", self._units())
            place(host, self._units())
            systemd.read_again()
        if "enabled" in change and not systemd.enabled(unit):
            systemd.set_enabled(unit, True)
        if "running" in change or "content" in change:
            systemd.restart(unit)

    @action
    def run(self, host: Host) -> None:
        """Run the command now, and wait for its end."""
        host.run(["systemctl", "start", "--", f"{self.name}.service"])

    def _take_away(self, host: Host, systemd: Systemd) -> None:
        unit = f"{self.name}.timer"
        if systemd.is_here():
            if systemd.running(unit):
                systemd.stop(unit)
            if systemd.enabled(unit):
                systemd.set_enabled(unit, False)
        take_away(host, self._paths())
        definition.remove(host, [self._environment_file()])
        if systemd.is_here():
            systemd.read_again()

    def _put_environment(self, host: Host) -> None:
        content = self._environment()
        if content is None:
            definition.remove(host, [self._environment_file()])
        else:
            definition.write(host, {self._environment_file(): definition.Text(content.decode(), 0o600)})

    def _paths(self) -> list[str]:
        return [f"{self.name}.service", f"{self.name}.timer"]

    def _environment_file(self) -> str:
        return f"{FILES}/{self.name}.timer.env"

    def _environment(self) -> bytes | None:
        if not self.environment:
            return None
        return "".join(f"{key}={quoted(key, value)}\n" for key, value in sorted(self.environment.items())).encode()

    def _calendars(self) -> list[str]:
        return [self.calendar] if isinstance(self.calendar, str) else list(self.calendar)

    def _content(self) -> bytes:
        return "".join(self._units().values()).encode()

    def _units(self) -> dict[str, str]:
        argv = arguments("timer", self.command)
        service = [
            f"# {HEAD}",
            "[Unit]",
            f"Description={self.name}",
            "",
            "[Service]",
            "Type=oneshot",
            f"ExecStart={' '.join(map(in_unit, argv))}",
            *([f"EnvironmentFile={self._environment_file()}"] if self.environment else []),
            *([f"WorkingDirectory={self.cwd.replace('%', '%%')}"] if self.cwd else []),
            *([f"User={self.user}"] if self.user else []),
            "",
        ]
        timer = [
            f"# {HEAD}",
            "[Unit]",
            f"Description={self.name}",
            "",
            "[Timer]",
            *(f"OnCalendar={each}" for each in self._calendars()),
            *([f"RandomizedDelaySec={self.random_delay:g}"] if self.random_delay else []),
            *(["Persistent=yes"] if self.persistent else []),
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        ]
        return dict(zip(self._paths(), ("\n".join(service), "\n".join(timer)), strict=True))


timer = recipe_word(Timer)
