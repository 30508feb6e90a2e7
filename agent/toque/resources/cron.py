"""cron: a command that cron runs at certain times."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, Secret, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import HEAD, user_id
from toque.core.variables import check_variables

_FOLDER = "/etc/cron.d"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+,-]*")
_SPECIAL = ("@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "minute": (0, 59, ()),
    "hour": (0, 23, ()),
    "day": (1, 31, ()),
    "month": (1, 12, _MONTHS),
    "weekday": (0, 7, _DAYS),
}
_LONGEST = 990
"""Characters of a command that every cron takes: some cut the line, or leave the whole file out, beyond that."""

Field = int | str | Sequence[int]


@dataclass(frozen=True)
class CronState:
    content: bytes
    mode: str = "0600"
    owner: str = "root"


class NoCron(ToqueError):
    def __init__(self) -> None:
        super().__init__(
            f"there is no {_FOLDER} on this machine, so nobody would run the job: "
            "install a cron that reads it first (package cron or cronie)"
        )


@resource("cron")
@dataclass(frozen=True)
class Cron(Resource[CronState]):
    """Run a command at certain times, by cron: a file of its own in /etc/cron.d for each job.

    name          of the job and its file: letters, digits, _ and -, as cron wants it
    command       what runs, by /bin/sh: a text, or a list of arguments, which is quoted for you. A % is written as it
                  is meant: it is escaped for cron
    schedule      five fields, "30 3 * * mon-fri", or one of @reboot @hourly @daily @weekly @monthly @yearly; or
    minute, hour, day, month, weekday   a number, a list of numbers, or a field's text such as "*/10" or "mon-fri";
                  what is not given is "*"; of weekdays, 0 and 7 are Sunday
    user          who it runs as; there must be such a user
    environment   lines NAME=value above it; of a Secret value the file is for root only
    mailto        who is sent what it prints; "" nobody; without, as the machine is set up
    random_delay  it starts up to so many seconds later, so that a fleet does not start as one
    lock          a run that would begin while the one before still goes on is left out (flock)
    present       False removes the file, and with it the job

    The times are those of the machine's time zone. cron notices a changed file within a minute. Where systemd runs,
    `timer` knows more: its log is in the journal, and it makes up for what was missed.

        cron("shop-report", schedule="30 3 * * mon-fri", command="/srv/report >/srv/$(date +%F).txt", user="deploy")
        cron("shop-queue", minute="*/5", command=["/srv/shop/queue", "--once"], user="deploy", lock=True, mailto="")
    """

    name: str
    _: KW_ONLY
    command: str | Sequence[str] = ""
    schedule: str | None = None
    minute: Field | None = None
    hour: Field | None = None
    day: Field | None = None
    month: Field | None = None
    weekday: Field | None = None
    user: str = "root"
    environment: Mapping[str, str] | None = None
    mailto: str | None = None
    random_delay: int = 0
    lock: bool = False
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProperty(
                f"cron name must be letters, digits, _ and - (cron leaves out files of other names), got {self.name!r}"
            )
        if not self.present:
            return
        check_name("cron user:", self.user)
        self._check_times()
        self._check_environment()
        if self.mailto and not _ADDRESS.fullmatch(self.mailto):
            raise BadProperty(f"cron mailto must be a mail address, or empty for nobody, got {self.mailto!r}")
        if self.random_delay < 0:
            raise BadProperty(f"cron random_delay must be 0 or more seconds, got {self.random_delay}")
        self._check_command()

    def desired(self) -> CronState | None:
        return CronState(self._content(), self._mode()) if self.present else None

    def current(self, host: Host) -> CronState | None:
        entry, content = host.entry(self._path()), host.read(self._path())
        if entry is None:
            return None
        # cron follows no link, and reads nothing that is not root's.
        is_file = entry.kind == "file" and content is not None
        return CronState(
            content if is_file and content is not None else b"", f"{entry.mode:04o}", host.user_name(entry.uid)
        )

    def apply(self, host: Host, change: Change[CronState]) -> None:
        if change.want is None:
            host.remove(self._path())
            return
        if host.entry(_FOLDER) is None:
            raise NoCron
        user_id(host, self.user)  # cron says nothing of a job whose user there is not, and runs it never
        host.write(self._path(), change.want.content, mode=int(change.want.mode, 8), uid=0, gid=0)

    def _path(self) -> str:
        return f"{_FOLDER}/{self.name}"

    def _mode(self) -> str:
        """For root alone, but that another user's `flock` must open the file that it locks."""
        return "0644" if self.lock and self.user != "root" else "0600"

    def _content(self) -> bytes:
        lines = [f"# {HEAD}"]
        lines += [] if self.mailto is None else [f'MAILTO="{self.mailto}"']
        lines += [f"{name}={_quoted(value)}" for name, value in sorted((self.environment or {}).items())]
        lines.append(f"{self._times()} {self.user} {self._line()}")
        return ("\n".join(lines) + "\n").encode()

    def _line(self) -> str:
        """The command as cron hands it to the shell, with each % escaped."""
        line = self.command if isinstance(self.command, str) else shlex.join(self.command)
        if self.lock:
            line = f"flock -n {self._path()} /bin/sh -c {shlex.quote(line)}"
        if self.random_delay:
            line = f"sleep $(shuf -n 1 -i 0-{self.random_delay}); {line}"
        return line.replace("%", "\\%")

    def _times(self) -> str:
        if self.schedule is not None:
            return " ".join(self.schedule.split())
        return " ".join("*" if value is None else _text(value) for value in self._fields().values())

    def _fields(self) -> dict[str, Field | None]:
        return {name: getattr(self, name) for name in _FIELDS}

    def _check_times(self) -> None:
        typed = [name for name, value in self._fields().items() if value is not None]
        if self.schedule is None:
            if not typed:
                raise BadProperty('cron needs schedule, e.g. "30 3 * * *" or "@daily", or minute=, hour=, …')
            for name in typed:
                _check_field(name, _text(getattr(self, name)))
            return
        if typed:
            raise BadProperty(f"cron {typed[0]} goes without schedule: say the time in one way")
        if self.schedule in _SPECIAL:
            return
        parts = self.schedule.split()
        if "\n" in self.schedule or len(parts) != len(_FIELDS):
            raise BadProperty(
                f"cron schedule must be five fields (minute hour day month weekday) or one of {', '.join(_SPECIAL)}, "
                f"got {self.schedule!r}"
            )
        for name, part in zip(_FIELDS, parts, strict=True):
            _check_field(name, part)

    def _check_environment(self) -> None:
        check_variables("cron", self.environment)
        for name, value in (self.environment or {}).items():
            if name == "MAILTO":
                raise BadProperty("cron environment: for MAILTO there is mailto")
            if "\n" in value or len(name) + len(value) > _LONGEST:
                raise BadProperty(f"cron environment: {name} must be one line of at most {_LONGEST} characters")
            if '"' in value and "'" in value:
                raise BadProperty(f"cron environment: {name} holds both kinds of quotes, and cron can have only one")
            if isinstance(value, Secret) and self._mode() != "0600":
                raise self._readable(f"environment: {name}")

    def _readable(self, what: str) -> BadProperty:
        return BadProperty(
            f"cron {what} is a Secret, and the file of a locked job of {self.user} can be read by all: leave out lock, "
            "or let the command read the secret from a file"
        )

    def _check_command(self) -> None:
        words = [self.command] if isinstance(self.command, str) else list(self.command)
        if not words or not words[0].strip():
            raise BadProperty('cron command needs a program, e.g. "/usr/local/bin/report --all"')
        if any(character in word for word in words for character in "\n\0"):
            raise BadProperty("cron command must be one line: put more into a script, and name that")
        if self._mode() != "0600" and any(isinstance(word, Secret) for word in words):
            raise self._readable("command")
        if "\\\\" in "".join(words) or "\\%" in "".join(words):
            raise BadProperty(r"cron command must not hold \\ or \%: crons differ in what they make of them")
        if len(self._line()) > _LONGEST:
            raise BadProperty(
                f"cron command has {len(self._line())} characters with what is put around it, and cron takes no more "
                f"than {_LONGEST}: put it into a script, and name that"
            )


def _text(value: Field) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ",".join(map(str, value))


def _check_field(name: str, text: str) -> None:
    """Each part of a list is `*`, a value or a range, perhaps with a step."""
    low, high, names = _FIELDS[name]
    for part in text.split(","):
        span, slash, step = part.partition("/")
        ends = span.split("-", 1)
        values = [_number(end, names, low) for end in ends]
        is_right = span == "*" or (
            all(value is not None and low <= value <= high for value in values)
            and (len(values) == 1 or (values[0] or 0) <= (values[1] or 0))
        )
        if not is_right or (slash and not (step.isdecimal() and step.isascii() and int(step) > 0)):
            named = f" or {', '.join(names)}" if names else ""
            raise BadProperty(
                f'cron {name} must be of {low} to {high}{named}, as in "*", "*/2", "{low}-{high}" or '
                f'"{low},{high}", got {text!r}'
            )


def _number(text: str, names: tuple[str, ...], low: int) -> int | None:
    if text.lower() in names:
        return names.index(text.lower()) + (low if names is _MONTHS else 0)
    return int(text) if text.isdecimal() and text.isascii() else None


def _quoted(value: str) -> str:
    return f"'{value}'" if '"' in value else f'"{value}"'


cron = recipe_word(Cron)
