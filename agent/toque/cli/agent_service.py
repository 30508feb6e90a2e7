"""The agent as a service of its machine: a unit where systemd is PID 1, else a script in /etc/init.d."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from toque.core import Host, ToqueError
from toque.platforms.service import services_of
from toque.platforms.service.systemd import Systemd

NAME: Final = "toque-agent"
UNIT: Final = f"/etc/systemd/system/{NAME}.service"
SCRIPT: Final = f"/etc/init.d/{NAME}"

_EXEC: Final = re.compile(r"^ExecStart=.*$", re.MULTILINE)
_LINKS: Final = re.compile(rf"[SK]\d\d{NAME}")


class NoUnit(ToqueError):
    def __init__(self, unit: Path) -> None:
        super().__init__(f"{unit} is no unit with an ExecStart line: fetch the installer again")


def install(host: Host, command: Sequence[str], *, unit: Path) -> list[str]:
    """Let the agent run now and after each boot; the files that were made for it.

    `command` starts the agent in the foreground. `unit` is the unit as Toque ships it. Raises ToqueError.
    """
    if Systemd(host).is_here():
        text = unit.read_text(encoding="utf-8")
        said, found = _EXEC.subn(lambda _: f"ExecStart={shlex.join(command)}", text)
        if found != 1:
            raise NoUnit(unit)
        host.write(UNIT, said.encode(), mode=0o644)
        host.run(["systemctl", "daemon-reload"])
        _begin(host)
        return [UNIT]
    host.write(SCRIPT, _script(command).encode(), mode=0o755)
    _begin(host)
    links = [
        f"/etc/{folder}/{name}"
        for folder in (f"rc{level}.d" for level in range(7))
        for name in host.names_in(f"/etc/{folder}")
        if _LINKS.fullmatch(name)
    ]
    return [SCRIPT, *links]


def _begin(host: Host) -> None:
    services = services_of(host, NAME)
    services.set_enabled(NAME, True)
    if services.running(NAME):
        services.restart(NAME)
    else:
        services.start(NAME)


def _script(command: Sequence[str]) -> str:
    return _SCRIPT.replace("@COMMAND@", shlex.join(command))


# Nothing but a shell and setsid. The loop is what systemd's Restart=always is; 78 says that there is nothing to do
# here. A run outlives its agent (R6), so stopping ends the loop and the agent, and leaves their session alone.
_SCRIPT: Final = """\
#!/bin/sh
### BEGIN INIT INFO
# Provides:          toque-agent
# Required-Start:    $network $remote_fs $time
# Required-Stop:     $network $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Toque agent
# Description:       Carries out what this machine's stack says.
### END INIT INFO
# Written by Toque's installer.

PATH=/opt/toque/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
pid_file=/run/toque-agent.pid
log=/var/log/toque/agent.log

is_running() {
    pid=$(cat "$pid_file" 2>/dev/null) && [ -n "$pid" ] &&
        tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q 'toque-agent loop'
}

loop() {
    child=
    trap 'kill "$child" 2>/dev/null; wait "$child"; exit 0' TERM INT
    while :; do
        @COMMAND@ &
        child=$!
        wait "$child"
        [ $? -eq 78 ] && exit 0
        sleep 5 &
        child=$!
        wait "$child"
    done
}

start() {
    is_running && return 0
    umask 077
    mkdir -p /var/log/toque
    cd /
    setsid /etc/init.d/toque-agent loop >>"$log" 2>&1 </dev/null &
    echo $! >"$pid_file"
}

stop() {
    is_running || return 0
    kill "$pid"
    tries=200
    while [ -d "/proc/$pid" ] && [ $tries -gt 0 ]; do
        sleep 0.1
        tries=$((tries - 1))
    done
    rm -f "$pid_file"
}

case $1 in
    start) start ;;
    stop) stop ;;
    restart | force-reload) stop && start ;;
    status) is_running && echo "toque-agent is running" || { echo "toque-agent is not running"; exit 3; } ;;
    loop) loop ;;
    *) echo "usage: $0 {start|stop|restart|force-reload|status}" >&2; exit 2 ;;
esac
"""
