"""What the agent tells the server of its machine: the small core of facts, and what tells it from a copy."""

from __future__ import annotations

import os
import platform
import re
import socket
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from toque.daemon.config import AgentConfig
from toque.protocol import custom_facts
from toque.protocol.messages import Facts, Fingerprint

_OS_RELEASE: Final = Path("/etc/os-release")
_HOST_KEYS: Final = ("ssh_host_rsa_key.pub", "ssh_host_ed25519_key.pub", "ssh_host_ecdsa_key.pub")


def boot_id() -> str:
    """What changes with each boot of the kernel."""
    return _first_line(Path("/proc/sys/kernel/random/boot_id"))


def fingerprint_of(config: AgentConfig) -> Fingerprint:
    """Compared at each start with the one at enrolment (S11)."""
    return Fingerprint(
        machine_id=_first_line(Path("/etc/machine-id")),
        product_uuid=_first_line(Path("/sys/class/dmi/id/product_uuid")),
        provider_instance_id=config.provider_instance_id,
    )


def facts_of(config: AgentConfig) -> Facts:
    """Collected in about a millisecond and without starting a program; what cannot be found is empty."""
    release = _os_release()
    return Facts(
        hostname=config.hostname or socket.gethostname(),
        private_ip=config.address or _address_towards(config.server_url),
        os_family=release.get("ID_LIKE", release.get("ID", "")).split(" ")[0],
        os_name=release.get("ID", ""),
        os_version=release.get("VERSION_ID", ""),
        architecture=platform.machine(),
        kernel=platform.release(),
        cpu_count=len(os.sched_getaffinity(0)),
        memory_kb=_memory_kb(),
        ssh_host_key=_host_key(),
        custom=custom_facts.read_all(),
    )


def _first_line(path: Path) -> str:
    try:
        return path.read_text(errors="replace").split("\n", 1)[0].strip()
    except OSError:
        return ""


def _os_release() -> dict[str, str]:
    try:
        text = _OS_RELEASE.read_text(errors="replace")
    except OSError:
        return {}
    return {name: value.strip("\"'") for name, value in re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE)}


def _memory_kb() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024


def _address_towards(server_url: str) -> str:
    """The address of the interface that leads to the server; nothing is sent for it."""
    parts = urlsplit(server_url)
    try:
        family, kind, _, _, address = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def _host_key() -> str:
    for name in _HOST_KEYS:
        if line := _first_line(Path("/etc/ssh") / name):
            return line
    return ""
