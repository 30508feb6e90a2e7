"""The environment of everything in a sandbox: its own, and of the host's only what reaching the network takes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from toque.sandbox.places import TOQUE

_OWN = {
    "PATH": f"{TOQUE}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/sh",
    "LANG": "C.UTF-8",
    "container": "toque",  # the name under which systemd's tools, too, find out that they are in a container
}
_FROM_HOST = re.compile(
    r"(https?|ftp|all|no)_proxy|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|GIT_SSL_CAINFO|PIP_[A-Z_]+|TZ",
    re.IGNORECASE,
)


def environment(host: Mapping[str, str]) -> dict[str, str]:
    """What PID 1 and the agent find in their environment, given the host's."""
    return {name: value for name, value in host.items() if _FROM_HOST.fullmatch(name)} | _OWN
