"""Whether the demo can have a balancer: haproxy from this machine, or by apt inside the sandbox."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import requests


def is_possible() -> bool:
    """True where haproxy is installed here, or where apt knows it and its mirror answers."""
    if shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"):
        return True
    address = _address_by_apt()
    return address is not None and _answers(address)


def _address_by_apt() -> str | None:
    """Where apt would fetch haproxy from; None without apt, or when its lists do not name it."""
    if shutil.which("apt-get") is None:
        return None
    argv = ["apt-get", "install", "--print-uris", "-qq", "haproxy"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    found = re.search(r"'(https?://[^']+)'", ran.stdout)
    return found[1] if found else None


def _answers(address: str) -> bool:
    """Whether the mirror can be reached; an older list may name a file that it no longer has."""
    try:
        requests.head(address, timeout=5)
    except requests.RequestException:
        return False
    return True
