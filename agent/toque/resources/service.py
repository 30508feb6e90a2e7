"""service: a service that runs or not, now and after a boot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, cast

from toque.core import BadProperty, Change, Host, Resource, action, recipe_word, resource
from toque.platforms.service import Definition, Provider, Services, arguments, check_definition, services_of

if TYPE_CHECKING:
    from toque.core.planned import Planned

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,127}")
_PLACES = ("/etc/systemd/system/{}.service", "/usr/lib/systemd/system/{}.service", "/lib/systemd/system/{}.service",
           "/etc/init.d/{}")  # fmt: skip
_SIGNALS = {"HUP", "USR1", "USR2", "INT", "TERM", "WINCH"}


@dataclass(frozen=True)
class ServiceState:
    running: bool | None
    enabled: bool | None
    defined: bool | None = None
    """Whether its definition on disk is the one that the recipe declares."""
    masked: bool | None = None


@resource("service")
@dataclass(frozen=True)
class Service(Resource[ServiceState]):
    """Keep a service running (or stopped), and started (or not) when the machine boots; None is left alone.

    name         as the system calls it: of a systemd unit, or of a script in /etc/init.d
    running      True, False, or None: not managed
    enabled      whether it starts at boot
    masked       True: nothing and nobody can start it, until it is False again. Of systemd only, and of units that
                 packages bring: of one in /etc, remove the file
    restart_on   resources; when one of them changed, restart
    reload_on    resources; when one of them changed, reload the configuration (restart where that is not possible)
    command      declares a program of your own as this service: a list of arguments, or a text that is split like one
                 (there is no shell), without Secrets, as every user can see it. Kept by systemd where it runs, else by
                 supervisord; started again when it ends
    cwd          the folder that `command` runs in
    user         who `command` runs as (root)
    environment  its environment; values may be Secrets, the files that hold them are for root only
    reload_signal  what makes `command` read its configuration again, e.g. "HUP"
    timeout      seconds that it may take to start, stop or restart; without, as long as its manager allows
    provider     who keeps it: "systemd", "openrc", "sysv" or "supervisor"; without, whoever keeps services here
    present      False stops it, keeps it from starting at boot, and removes what `command` once declared

    A service that is started and does not stay up is an error, with the end of its log. Actions, to call or to give to
    `notify=[...]`: `restart`, `reload` (`reload_or_restart` is the same), `start`, `stop`.

        conf = file("/etc/memcached.conf", content="-m 64\\n-l 127.0.0.1\\n")
        service("memcached", enabled=True, restart_on=[conf])
        service("shop", command=["python3", "-m", "shop"], cwd="/srv/www/shop/current", user="deploy",
                environment={"PORT": "8080"}, enabled=True)
        service("rpcbind", running=False, masked=True)
    """

    name: str
    _: KW_ONLY
    running: bool | None = True
    enabled: bool | None = None
    restart_on: Sequence[Resource[Any]] = ()
    reload_on: Sequence[Resource[Any]] = ()
    command: str | Sequence[str] | None = None
    cwd: str | None = None
    user: str | None = None
    environment: Mapping[str, str] | None = None
    reload_signal: str | None = None
    masked: bool | None = None
    timeout: float | None = None
    provider: Provider | None = None
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProperty(f"service name must be letters, digits and @ . _ + -, got {self.name!r}")
        if self.masked and (self.running or self.enabled or self.command is not None):
            raise BadProperty("service masked=True goes with running=False (or None), without enabled=True or command")
        if self.timeout is not None and self.timeout <= 0:
            raise BadProperty(f"service timeout must be more than 0 seconds, got {self.timeout:g}")
        if self.command is not None and self.provider in ("sysv", "openrc"):
            raise BadProperty(f'service command is kept by systemd or supervisor, not by provider="{self.provider}"')
        if self.command is None:
            alone = {"cwd": self.cwd, "user": self.user, "environment": self.environment}
            for name, value in {**alone, "reload_signal": self.reload_signal}.items():
                if value is not None:
                    raise BadProperty(f"service {name} goes with command: it belongs to a program of your own")
            return
        self._check_command()

    def desired(self) -> ServiceState | None:
        if not self.present:
            return None
        return ServiceState(self.running, self.enabled, True if self.command is not None else None, self.masked)

    def current(self, host: Host) -> ServiceState | None:
        services = self._services(host)
        if not self.present and not self._leaves_traces(services):
            return None
        definition = self._definition()
        return ServiceState(
            running=services.running(self.name) if self.running is not None else None,
            enabled=services.enabled(self.name) if self.enabled is not None else None,
            defined=definition is not None and services.is_defined(self.name, definition, self.enabled),
            masked=services.masked(self.name) if self.masked is not None else None,
        )

    def apply(self, host: Host, change: Change[ServiceState]) -> None:
        services = self._services(host)
        if change.want is None:
            self._take_away(services)
            return
        definition = self._definition()
        if "masked" in change and not self.masked:
            services.set_masked(self.name, False)
        if "defined" in change and definition is not None:
            services.define(self.name, definition, self.enabled)
        if "enabled" in change and self.enabled is not None and services.enabled(self.name) != self.enabled:
            services.set_enabled(self.name, self.enabled)
        if "running" in change:
            (services.start if self.running else services.stop)(self.name)
        elif "defined" in change and self.running is not False and services.running(self.name):
            services.restart(self.name)
        if "masked" in change and self.masked:
            services.set_masked(self.name, True)

    def unsure(self, plan: Planned) -> str:
        """What is not here yet may come with a package that would be installed above, and be started by it."""
        packages = dict.fromkeys(plan.changed_packages.values())
        here = self._services(cast(Host, plan))
        if self.command is not None or not packages or any(plan.entry(path.format(self.name)) for path in _PLACES):
            return ""
        if here.running(self.name) or here.enabled(self.name):
            return ""
        return f"{', '.join(packages)} above would change first, and may bring the service"

    def has_done(self, name: str, change: Change[ServiceState] | None) -> bool:
        """What was started or stopped a moment ago needs no restart; what shall not run must get none."""
        if self.running is False or not self.present:
            return name in ("restart", "reload")
        return change is not None and ("running" in change or "defined" in change)

    @action
    def restart(self, host: Host) -> None:
        """Stop it and start it again."""
        self._services(host).restart(self.name)

    @action
    def reload(self, host: Host) -> None:
        """Make it read its configuration again."""
        self._services(host).reload(self.name)

    @action
    def reload_or_restart(self, host: Host) -> None:
        """The same as `reload`, which restarts where there is no other way: by the name that systemd has for it."""
        self._services(host).reload(self.name)

    @action
    def start(self, host: Host) -> None:
        """Start it now, whatever `running` says."""
        self._services(host).start(self.name)

    @action
    def stop(self, host: Host) -> None:
        """Stop it now, whatever `running` says."""
        self._services(host).stop(self.name)

    def _services(self, host: Host) -> Services:
        defined = self.command is not None
        return services_of(host, self.name, defined=defined, provider=self.provider, timeout=self.timeout)

    def _definition(self) -> Definition | None:
        if self.command is None:
            return None
        argv = arguments("service", self.command)
        return Definition(argv, self.cwd, self.user, dict(self.environment or {}), self.reload_signal)

    def _leaves_traces(self, services: Services) -> bool:
        name = self.name
        return services.has_definition(name) or services.running(name) or services.enabled(name)

    def _take_away(self, services: Services) -> None:
        if services.running(self.name):
            services.stop(self.name)
        if services.enabled(self.name):
            services.set_enabled(self.name, False)
        if services.has_definition(self.name):
            services.undefine(self.name)

    def _check_command(self) -> None:
        check_definition("service", self.command or (), self.cwd, self.user, self.environment)
        if self.reload_signal is not None and self.reload_signal not in _SIGNALS:
            raise BadProperty(f"service reload_signal must be one of {', '.join(sorted(_SIGNALS))}")


service = recipe_word(Service)
