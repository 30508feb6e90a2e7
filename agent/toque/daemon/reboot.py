"""Restarting this machine after a run that asked for it: once, and only after its result was confirmed.

The wish is written down before the command counts as reported, so that an agent that is killed in between restarts the
machine when it comes back. The boot it was made in stands in it: after the restart it is a thing of the past.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from toque.daemon.machine import boot_id
from toque.daemon.state import State
from toque.protocol.durable import write_durably
from toque.sandbox import control
from toque.sandbox.places import SOCKET

_SYSTEMD: Final = Path("/run/systemd/system")


class CannotReboot(Exception):
    """The machine would not restart; the message says what was tried and what came of it."""


def wish(state: State) -> None:
    """Note that this machine is to be restarted; durable when it returns."""
    write_durably(state.reboot, f"{boot_id()}\n".encode())


def is_wished(state: State) -> bool:
    """Whether a restart was wished for in this boot and has not been tried yet."""
    try:
        return state.reboot.read_text().strip() == boot_id()
    except FileNotFoundError:
        return False


def restart_machine(state: State, *, init: Path = SOCKET, systemd: Path = _SYSTEMD) -> None:
    """Restart the machine: through PID 1 of a sandbox, by systemd, or by `reboot`. Raises CannotReboot.

    The wish is spent before the attempt, so that a machine that cannot be restarted is not tried for ever.
    """
    state.reboot.unlink(missing_ok=True)
    try:
        if init.exists():
            control.request("reboot", at=init, seconds=30)
            return
        argv = ["systemctl", "reboot"] if systemd.is_dir() else ["reboot"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except OSError as wrong:
        raise CannotReboot(f"this machine cannot be restarted: {wrong}") from wrong
    if done.returncode != 0:
        raise CannotReboot(f"`{' '.join(argv)}` ended with {done.returncode}: {done.stderr.strip()}")
