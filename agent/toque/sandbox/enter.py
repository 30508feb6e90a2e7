"""A program in a running sandbox that has the terminal of whoever starts it: `sandbox.enter`.

It joins the namespaces of PID 1 and gives up the same capabilities, so it may do there what everything inside may do.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from toque.sandbox import linux

_NAMESPACES = ("mnt", "uts", "ipc", "net", "pid")


def main() -> None:
    """Become the program that the last argument describes (JSON). For a process of its own."""
    plan: dict[str, Any] = json.loads(sys.argv[-1])
    names = ("user", *_NAMESPACES) if plan["rootless"] else _NAMESPACES
    descriptors = [os.open(Path(f"/proc/{plan['pid']}/ns/{name}"), os.O_RDONLY | os.O_CLOEXEC) for name in names]
    own_network = Path(f"/proc/{plan['pid']}/ns/net").stat().st_ino != Path("/proc/self/ns/net").stat().st_ino
    for descriptor in descriptors:
        linux.join(descriptor)
    if plan["rootless"]:
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    # A PID namespace is entered by children only.
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        sys.exit(code if code >= 0 else 128 - code)
    os.chdir("/")
    linux.drop_capabilities(own_network=own_network)
    os.umask(0o022)
    try:
        os.execvpe(plan["argv"][0], plan["argv"], plan["env"])
    except OSError as error:
        sys.exit(f"{plan['argv'][0]}: {error.strerror}")
