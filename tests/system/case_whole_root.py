"""A sandbox entered with every right of root: its own mounts, names, network and kernel switches may be changed.

What runs in a sandbox lacks these rights, because it shares its kernel with the host. What is entered from outside by
`nsenter` keeps them, and changes no more than the namespaces: the root is a copy, and the network is a bridge's.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

from tests.needs import stop_without
from tests.system.case_sandbox import Box, a_box

ADDRESS = "10.252.7.1"
HOST = "10.252.0.1"


class WholeRoot(Box):
    """A sandbox whose programs are root without bounds."""

    def execute(self, argv: Sequence[str], *, own_network: bool = True) -> CompletedProcess[bytes]:
        spaces = ["--mount", "--uts", "--ipc", "--pid", *(["--net"] if own_network else [])]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        inside = ["nsenter", f"--target={self.pid}", *spaces, "--", "env", "-i", path, "LC_ALL=C.UTF-8", *argv]
        return subprocess.run(inside, stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def install(self, packages: Sequence[str]) -> None:
        """Debian packages, into the copy of the root; fetched over the host's network, for the own one leads nowhere."""
        script = (
            "export DEBIAN_FRONTEND=noninteractive; printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d"
            " && chmod 755 /usr/sbin/policy-rc.d"
            f" && {{ dpkg --status {' '.join(packages)} >/dev/null 2>&1 || apt-get update -qq; }}"
            f" && apt-get install -y -qq --no-install-recommends {' '.join(packages)}"
        )
        done = self.execute(["sh", "-c", script], own_network=False)
        if done.returncode != 0:
            stop_without(f"Debian's packages over the network ({done.stderr.decode().strip().splitlines()[-1:]})")

    def loop_device(self, size_mb: int, name: str) -> str:
        """A device of this size, all zeroes, on a file in the copy of the root; it goes when it is used no more."""
        self.shell(
            "test -e /dev/loop-control || mknod /dev/loop-control c 10 237; for i in $(seq 0 31); do"
            " test -e /dev/loop$i || mknod /dev/loop$i b 7 $i; done"
        )
        made = f"truncate -s {size_mb}M /srv/{name}.img && losetup --find --show /srv/{name}.img"
        return self.shell(f"{made} >/srv/{name}.loop && cat /srv/{name}.loop")


@contextmanager
def a_whole_root(data: Path, packages: Sequence[str] = (), daemon: Sequence[str] = ()) -> Iterator[WholeRoot]:
    """One with these Debian packages, in which this program runs; the host is 10.252.0.1 to it."""
    with a_box(data) as plain:
        box = WholeRoot(plain.spec)
        box.start(network="own", address=ADDRESS, agent_argv=tuple(daemon))
        if packages:
            box.install(packages)
        # No name server can be reached from here, and none shall be waited for.
        box.run("sed", "-i", "s/^hosts:.*/hosts: files/", "/etc/nsswitch.conf")
        box.run("mount", "-o", "remount,bind,rw", "/proc/sys")
        try:
            yield box
        finally:
            box.shell(
                "umount --all --types ext4 || true; for each in $(cat /srv/*.loop 2>/dev/null); do losetup -d $each 2>/dev/null; done; true"
            )
