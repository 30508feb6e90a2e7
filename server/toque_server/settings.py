"""Everything about one installation that its operator may choose: `server.toml` in the data directory.

    public_url = "https://toque.example.org"
    profile = "default"
    allow_insecure_sources = false

    [heal]
    silent_after = 300.0

    [regions."eu-*"]
    provider = "sandbox"

    [regions."eu-*".options]
    network = "own"

Times in the file are seconds; in Python they are timedelta. A profile names a set of times: `demo` is fast enough to
watch, `default` is careful enough to sleep by. Whatever the file says of a time goes before its profile.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

FILE = "server.toml"


class BadSettings(Exception):
    """The settings file says something that cannot be; the message names the file and the place."""


Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
"""A part of the whole: 0.1 is ten percent."""

Count = Annotated[int, msgspec.Meta(ge=1)]

UpdatesOnBoot = Literal["machines", "always", "never"]


class HealTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When healing acts, and what keeps it from doing harm (chapter 03; chapter 10, R14 to R18, H2 to H8)."""

    silent_after: timedelta = timedelta(seconds=300)
    """Soft evidence: no contact for this long. Longer poll intervals raise it (ruling 5)."""
    hard_gap: timedelta = timedelta(seconds=15)
    """Hard evidence is the provider saying twice, this far apart, that the machine is gone…"""
    hard_wait: timedelta = timedelta(seconds=60)
    """…and having said so for this long."""
    grace: timedelta = timedelta(seconds=300)
    """No soft heal for this long after the server itself was away."""
    spacing: timedelta = timedelta(seconds=600)
    """Between two heals of one instance; doubles with each heal within 24 hours."""
    check_every: timedelta = timedelta(seconds=5)
    """How often the provider is asked and healing decided."""
    fleet_late: Count = 5
    """No heal on soft evidence anywhere while this many instances are late at once…"""
    fleet_share: Share = 0.20
    """…and they are at least this share of the fleet: then it is our own network that fails (H2)."""
    stack_late: Count = 2
    """The same within one stack…"""
    stack_share: Share = 0.40
    """…and its share (H3)."""
    canary: Count = 3
    """Where this many are silent at once, one is healed first, and the others when that has brought it back (H4)."""
    canary_for: timedelta = timedelta(minutes=30)
    """How long such a success counts."""
    no_contact_after: timedelta = timedelta(minutes=15)
    """A heal whose machine was not heard within this time has failed."""
    breaker: timedelta = timedelta(minutes=30)
    """After a heal on soft evidence failed no other begins for this long; doubles with each that fails (H5)."""
    breaker_longest: timedelta = timedelta(hours=4)
    """What that grows to at most."""
    in_flight_share: Share = 0.10
    """At most this share of a stack is healed at once, and one in any case (H6)."""
    rate_share: Share = 0.01
    """At most this share of the fleet begins to be healed per minute, and one in any case (H7)."""
    per_hour: Count = 3
    """Heals of one instance within an hour; after them it waits for contact or an administrator (H8)."""
    per_day: Count = 5
    """The same within 24 hours."""


class ContactTimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rhythm of polls (rulings 5 and 21)."""

    per_second: int | None = None
    """Contacts per second the installation is sized for; None: 1,000 on SQLite, 2,000 on PostgreSQL."""
    shortest: timedelta = timedelta(seconds=2)
    """Between two polls of a node, in a fleet so small that `per_second` does not matter."""
    longest: timedelta = timedelta(seconds=60)
    """Between two polls of a node, however large the fleet is."""
    busy: timedelta = timedelta(seconds=1)
    """While the node has a command, or its stack a deployment under way."""
    flush_every: timedelta = timedelta(seconds=2)
    """How often contacts are written to the database; never more seldom than every two seconds."""


class ConfigureTimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How Configure waits for quiet (D16)."""

    quiet: timedelta = timedelta(milliseconds=500)
    """Without a change of the online set for this long, Configure goes out."""
    limit: timedelta = timedelta(seconds=2)
    """It goes out after this long even where changes go on; doubles each time while they do, and the quiet with it."""
    longest: timedelta = timedelta(seconds=60)
    """What the limit grows to at most."""


class CommandTimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Commands and what they may take."""

    expire_after: timedelta = timedelta(minutes=60)
    """A command that no agent took for this long has expired; the Setup after a boot waits longer."""
    deadline: timedelta = timedelta(hours=4)
    """What a run may take, before it is ended with exit code 124."""
    silent_after_ack: timedelta = timedelta(minutes=30)
    """A run whose instance is silent has failed when it stays unheard for this long."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long each part of an instance's life may take (I-7, I-9), and how many of each thing there may be (S-2)."""

    start: timedelta = timedelta(minutes=15)
    """From the order until the provider calls the machine running."""
    boot: timedelta = timedelta(minutes=60)
    """From then until the agent's first contact."""
    reboot: timedelta = timedelta(minutes=10)
    """From the order until contact; an instance that is later is lost, and may be healed."""
    stop: timedelta = timedelta(minutes=15)
    """From the order until the provider calls the machine stopped or terminated."""
    deregister: timedelta = timedelta(minutes=5)
    """How long a node that leaves is waited for."""
    unlisted: timedelta = timedelta(seconds=30)
    """A new machine may be missing from the provider's list for so long before it counts as gone."""
    stacks: Count | None = None
    """The most stacks of this installation; like the next three without a limit unless one is set."""
    layers_per_stack: Count | None = None
    """The most layers of a stack."""
    instances_per_stack: Count | None = None
    """The most instances of a stack, whatever they do; registered ones count."""
    apps_per_stack: Count | None = None
    """The most apps of a stack."""


class SessionTimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Console sessions (S16)."""

    idle: timedelta = timedelta(minutes=30)
    """Without a request for this long a session ends…"""
    absolute: timedelta = timedelta(hours=12)
    """…and after this long in any case."""


class Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which provider makes the instances of stacks in a region (D17)."""

    provider: str
    """`sandbox`, `registered`, or what an installed package offers under the entry points `toque.providers`."""
    options: dict[str, str] = {}
    """Those of the provider; texts."""


SANDBOX = Region(provider="sandbox")

_DEMO_HEAL = HealTimes(
    silent_after=timedelta(seconds=6),
    hard_gap=timedelta(seconds=1),
    hard_wait=timedelta(seconds=2),
    grace=timedelta(seconds=3),
    spacing=timedelta(seconds=5),
    check_every=timedelta(seconds=1),
)
_DEMO_CONTACT = ContactTimes(shortest=timedelta(seconds=1))

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "demo": {"heal": _DEMO_HEAL, "contact": _DEMO_CONTACT},
}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one installation. Make it with `for_profile()` or `load()`, so that the profile counts."""

    database: str
    """`sqlite:////…` or `postgresql://…`."""
    data_dir: Path
    """Keys, bundles, sandboxes; on SQLite the database."""
    listen: str = "127.0.0.1:8780"
    """HOST:PORT. Other than loopback only with TLS or a proxy in front (D20)."""
    public_url: str = "http://127.0.0.1:8780"
    """How nodes, browsers and clients reach us; log URLs, installers and tokens contain it."""
    profile: str = "default"
    """A set of times: `default`, or `demo`, which is fast enough to watch."""
    allow_insecure_sources: bool = False
    """Whether sources over plain http, git, file, and on private addresses are fetched (D18)."""
    updates_on_boot: UpdatesOnBoot = "machines"
    """Where `InstallUpdatesOnBoot` of layers and instances is obeyed: `machines` leaves out what the providers sandbox
    and docker make, whose packages are this host's or an image's; `always` includes them, and makes starts slow."""
    behind_proxy: bool = False
    """Whether a proxy in front ends TLS and sets X-Forwarded-For and X-Forwarded-Proto."""
    tls_cert: str | None = None
    """A PEM file with the whole chain."""
    tls_key: str | None = None
    """A PEM file with its private key."""
    ca_file: str | None = None
    """What nodes and clients must trust to reach us; None: the certificates every system trusts, or plain http."""
    workers: int = 2
    """Server processes on PostgreSQL; SQLite is always served by one."""
    threads: int = 16
    """Threads that serve requests, in each process."""
    regions: dict[str, Region] = {}
    heal: HealTimes = HealTimes()
    contact: ContactTimes = ContactTimes()
    configure: ConfigureTimes = ConfigureTimes()
    command: CommandTimes = CommandTimes()
    limits: Limits = Limits()
    session: SessionTimes = SessionTimes()

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over https, so that cookies can be Secure (D20)."""
        return self.public_url.startswith("https://")

    def region(self, name: str) -> Region:
        """The provider of a region: the exact name first, then the longest pattern that fits, else the sandbox."""
        fitting = [pattern for pattern in self.regions if pattern == name or fnmatch.fnmatchcase(name, pattern)]
        fitting.sort(key=lambda pattern: (pattern != name, -len(pattern)))
        return self.regions[fitting[0]] if fitting else SANDBOX


def for_profile(profile: str = "default", **values: Any) -> Settings:
    """Settings with the times of a profile, where `values` does not say otherwise."""
    if profile not in PROFILES:
        raise BadSettings(f"there is no profile {profile!r}: choose from {', '.join(PROFILES)}")
    return Settings(**{"profile": profile, **PROFILES[profile], **values})


def load(data_dir: Path, **instead: Any) -> Settings:
    """The settings of an installation; what is in `instead` and not None goes before the file.

    Raises BadSettings: what is wrong, and where.
    """
    path = data_dir / FILE
    try:
        written = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise BadSettings(f"{data_dir} has no {FILE}: make an installation there with `toque server init`") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path}: {error}") from None
    try:
        given = {name: value for name, value in instead.items() if value is not None}
        return check_listen(from_document({**written, **given}, data_dir))
    except (msgspec.ValidationError, BadSettings) as error:
        raise BadSettings(f"{path}: {error}") from None


def from_document(written: Mapping[str, Any], data_dir: Path) -> Settings:
    """Settings from what a file says. Durations are numbers of seconds. Raises BadSettings, msgspec.ValidationError."""
    profile = written.get("profile", "default")
    if profile not in PROFILES:
        raise BadSettings(f"there is no profile {profile!r}: choose from {', '.join(PROFILES)}")
    listen = str(written.get("listen", "127.0.0.1:8780"))
    document: dict[str, Any] = {
        "public_url": f"{'https' if 'tls_cert' in written else 'http'}://{listen}",
        "database": f"sqlite:///{data_dir.resolve()}/toque.db",
        "data_dir": str(data_dir.resolve()),
        **{name: msgspec.to_builtins(times, builtin_types=(timedelta,)) for name, times in PROFILES[profile].items()},
    }
    for name, value in written.items():
        known = document.get(name)
        document[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return _checked(msgspec.convert(document, Settings, strict=False, dec_hook=_path))


def _checked(settings: Settings) -> Settings:
    """The same settings. Raises BadSettings for times that cannot be meant."""
    for table in ("heal", "contact", "configure", "command", "limits", "session"):
        for key, value in msgspec.structs.asdict(getattr(settings, table)).items():
            # What waits for nothing may be none; what ends something must leave it time.
            least = timedelta(0) if table in ("heal", "configure") else timedelta(microseconds=1)
            if isinstance(value, timedelta) and value < least:
                more = "at least 0" if least == timedelta(0) else "more than 0"
                raise BadSettings(f"{table}.{key} is {value.total_seconds():g} seconds, and must be {more}")
    for table, less, more in _ORDERED:
        group = getattr(settings, table)
        if getattr(group, less) > getattr(group, more):
            raise BadSettings(f"{table}.{less} is more than {table}.{more}: one of them is not as you mean it")
    return settings


_ORDERED = (
    ("heal", "breaker", "breaker_longest"),
    ("contact", "shortest", "longest"),
    ("session", "idle", "absolute"),
)


def check_listen(settings: Settings) -> Settings:
    """The same settings. Raises BadSettings when passwords and keys would cross a network in the clear (D20)."""
    host = host_and_port(settings.listen)[0]
    if settings.tls_cert or settings.behind_proxy or is_loopback(host):
        return settings
    raise BadSettings(
        f"listen is {settings.listen}, which others can reach, and plain http would show them every password: give "
        "--tls-cert and --tls-key, or --tls-self-signed, or --behind-proxy if a proxy in front ends TLS"
    )


def host_and_port(listen: str) -> tuple[str, int]:
    """`127.0.0.1:8780` and `[::1]:8780` in their parts. Raises BadSettings."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadSettings(f"listen is {listen!r}, and must be HOST:PORT, such as 127.0.0.1:8780")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(kind)


@dataclass(frozen=True)
class _Toml:
    """Just enough TOML to write a settings file: strings, numbers, booleans, tables of them."""

    lines: list[str]

    def table(self, name: str, values: Mapping[str, Any]) -> None:
        plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
        if name and plain:
            self.lines.extend(["", f"[{name}]"])
        self.lines.extend(f"{_quoted(key)} = {_literal(value)}" for key, value in plain.items() if value is not None)
        for key, value in values.items():
            if isinstance(value, Mapping):
                self.table(f"{name}.{_quoted(key)}" if name else _quoted(key), value)


def _quoted(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _literal(key)


def _literal(value: Any) -> str:
    # JSON's strings, numbers and booleans are TOML's.
    return msgspec.json.encode(value).decode()


def write(data_dir: Path, values: Mapping[str, Any]) -> None:
    """Write the settings file: only what differs from the defaults need stand there. Atomic, readable by its owner."""
    toml = _Toml(["# The settings of this Toque server; `toque server doctor` checks them."])
    toml.table("", values)
    handle, name = tempfile.mkstemp(dir=data_dir, prefix=f".{FILE}.")
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(toml.lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(data_dir / FILE)
