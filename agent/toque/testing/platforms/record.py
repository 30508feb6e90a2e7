"""Record this machine as a platform: `python -m toque.testing.platforms.record >debian-12.json`.

Only what belongs to the system is kept: accounts below number 100 and `nobody`, no host name, no address.
"""

from __future__ import annotations

import grp
import json
import pwd
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from toque.facts import collect

_PROGRAMS = (
    "/bin/sh",
    "/sbin/apk",
    "/usr/bin/apt-get",
    "/usr/bin/dnf",
    "/usr/bin/dpkg-query",
    "/usr/bin/pacman",
    "/usr/bin/systemctl",
    "/usr/bin/yum",
    "/usr/bin/zypper",
    "/usr/sbin/useradd",
)
_SYSTEM = 100
_NOBODY = 65534
NETWORK = {"hostname": "node1", "fqdn": "node1", "ip": "10.0.0.10", "gateway": "10.0.0.1"}
INTERFACES = [
    {"name": "eth0", "mac": "02:00:0a:00:00:0a", "ipv4": ["10.0.0.10"], "ipv6": []},
    {"name": "lo", "mac": "00:00:00:00:00:00", "ipv4": ["127.0.0.1"], "ipv6": ["::1"]},
]


def record() -> dict[str, Any]:
    """This machine as the JSON of a platform."""
    facts = {name: asdict(collect(name)) for name in ("cpu", "memory", "platform")}
    facts["network"] = {**NETWORK, "interfaces": INTERFACES}
    return {
        "origin": "recorded on such a machine by toque.testing.platforms.record",
        "facts": facts,
        "os_release": Path("/etc/os-release").read_text(encoding="utf-8").splitlines(),
        "users": {u.pw_name: [u.pw_uid, u.pw_gid, u.pw_dir, u.pw_shell] for u in pwd.getpwall() if _ours(u.pw_uid)},
        "groups": {g.gr_name: g.gr_gid for g in grp.getgrall() if _ours(g.gr_gid)},
        "programs": [path for path in _PROGRAMS if Path(path).exists()],
    }


def _ours(number: int) -> bool:
    return number < _SYSTEM or number == _NOBODY


if __name__ == "__main__":
    sys.stdout.write(json.dumps(record(), indent=1) + "\n")
