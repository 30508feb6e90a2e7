"""Services where systemd is PID 1."""

from __future__ import annotations

from toque.core import CommandFailed, Host
from toque.core.files import HEAD
from toque.platforms.environment.systemd import quoted
from toque.platforms.service.definition import FILES, Definition, Text, are_written, remove, write
from toque.platforms.service.steady import LOG_LINES, NotUp, stays_up
from toque.platforms.service.units import SYSTEM

_JOB_FAILED, _TIME_IS_UP = 1, 124
_UP = {"active", "reloading"}
_NOT_OURS = {"static", "indirect", "alias", "transient"}
"""Units that cannot be enabled because they are started by others: nothing is wrong with them."""


class Systemd:
    """`timeout` is how many seconds a start, stop or restart may take; None: as long as the unit itself allows."""

    def __init__(self, host: Host, timeout: float | None = None) -> None:
        self._host, self._timeout = host, timeout

    def is_here(self) -> bool:
        # The test that systemd's own sd_booted() makes.
        return self._host.entry("/run/systemd/system") is not None

    def running(self, name: str) -> bool:
        return self._show(name).get("ActiveState") in _UP

    def enabled(self, name: str) -> bool:
        state = self._show(name).get("UnitFileState", "")
        if state == "generated":  # made from an init script: only systemctl's own words tell
            return self._host.run(["systemctl", "is-enabled", "--quiet", "--", name], ok=range(256)).code == 0
        return state.startswith("enabled") or state in _NOT_OURS

    def set_enabled(self, name: str, enabled: bool) -> None:
        self._systemctl("enable" if enabled else "disable", name)

    def masked(self, name: str) -> bool:
        return self._show(name).get("UnitFileState", "").startswith("masked")

    def set_masked(self, name: str, masked: bool) -> None:
        self._systemctl("mask" if masked else "unmask", name)

    def start(self, name: str) -> None:
        self._up(name, "start")

    def restart(self, name: str) -> None:
        self._up(name, "restart")

    def reload(self, name: str) -> None:
        self._up(name, "reload-or-restart")

    def stop(self, name: str) -> None:
        self._systemctl("stop", name)

    def has_definition(self, name: str) -> bool:
        found = self._host.read(_unit(name))
        return found is not None and found.startswith(f"# {HEAD}".encode())

    def is_defined(self, name: str, definition: Definition, enabled: bool | None) -> bool:
        return are_written(self._host, _files(name, definition))

    def define(self, name: str, definition: Definition, enabled: bool | None) -> None:
        write(self._host, _files(name, definition))
        self.read_again()

    def undefine(self, name: str) -> None:
        remove(self._host, [_unit(name), f"{FILES}/{name}.env"])
        self.read_again()

    def read_again(self) -> None:
        """Make systemd look at its unit files."""
        self._host.run(["systemctl", "daemon-reload"])

    def _up(self, name: str, verb: str) -> None:
        try:
            self._systemctl(verb, name)
        except CommandFailed as failed:
            log = self._log(name) if failed.ran.code in (_JOB_FAILED, _TIME_IS_UP) else ""
            if not log.strip():
                raise
            raise NotUp(name, log) from failed
        if not stays_up(self._host, lambda: self.running(name), lambda: self._has_failed(name), self._timeout):
            raise NotUp(name, self._log(name))

    def _has_failed(self, name: str) -> bool:
        return self._show(name).get("ActiveState") == "failed"

    def _log(self, name: str) -> str:
        argv = ["journalctl", f"--unit={name}", "-n", LOG_LINES, "--no-pager", "--output=cat"]
        return self._host.run(argv, ok=range(256)).out

    def _show(self, name: str) -> dict[str, str]:
        shown = self._host.run(["systemctl", "show", "--property=ActiveState,UnitFileState", "--", name], ok={0, 1, 4})
        return dict(line.split("=", 1) for line in shown.out.splitlines() if "=" in line)

    def _systemctl(self, verb: str, name: str) -> None:
        self._host.run(["systemctl", verb, "--", name], timeout=self._timeout)


def _unit(name: str) -> str:
    return f"{SYSTEM}/{name}.service"


def _files(name: str, definition: Definition) -> dict[str, Text]:
    environment = "".join(f"{key}={quoted(key, value)}\n" for key, value in sorted(definition.environment.items()))
    reloads = definition.reload_signal is not None
    lines = [
        f"# {HEAD}",
        "[Unit]",
        f"Description={name}",
        "After=network.target",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={' '.join(map(in_unit, definition.command))}",
        f"EnvironmentFile={FILES}/{name}.env",
        *([f"WorkingDirectory={definition.directory.replace('%', '%%')}"] if definition.directory else []),
        *([f"User={definition.user}"] if definition.user else []),
        # By a shell, whose kill is its own: small machines have no /bin/kill.
        *([f'ExecReload=+/bin/sh -c "kill -s {definition.reload_signal} ${{MAINPID}}"'] if reloads else []),
        "Restart=always",
        "RestartSec=1",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
        "",
    ]
    # The environment by a file of its own: a unit can be shown by every user of the machine.
    return {f"{FILES}/{name}.env": Text(environment, 0o600), _unit(name): Text("\n".join(lines))}


def in_unit(argument: str) -> str:
    """One argument of a command line in a unit."""
    plain = argument.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    plain = plain.replace("\r", "\\r").replace("\t", "\\t")
    return '"' + plain.replace("%", "%%").replace("$", "$$") + '"'
