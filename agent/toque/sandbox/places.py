"""Where things are inside every sandbox."""

from __future__ import annotations

from pathlib import Path

TOQUE = "/opt/toque"
INIT_CONFIG = "/run/toque/init.json"
BOOT_ID = Path("/run/toque/boot-id")
"""Shown at /proc/sys/kernel/random/boot_id: there it is the host's otherwise, and a reboot could not be told."""
SOCKET = Path("/run/toque/init.sock")
SUPERVISOR_SOCKET = Path("/run/toque/supervisor.sock")
SUPERVISOR_CONFIG = Path("/etc/toque/supervisord.conf")
SUPERVISOR_PROGRAMS = Path("/etc/toque/supervisor.d")
