"""A network of its own for a sandbox: a bridge on the host, and a pair of interfaces between the two.

The bridge is shared by all sandboxes whose addresses begin alike (10.N.x.y); the host is 10.N.0.1 on it. Sandboxes
reach the host and each other. The pair goes with the sandbox; the bridge goes when the last sandbox on it is removed. A
way further out is the operator's to give (forwarding and masquerading of 10.N.0.0/16). A server that listens on
127.0.0.1 only cannot be reached from such a network.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from typing import Any

from toque.sandbox.spec import Refusal

_INSIDE = "eth0"


@dataclass(frozen=True)
class Net:
    """The /16 network of an address, and the names on the host that belong to it."""

    address: IPv4Address

    @property
    def gateway(self) -> str:
        return str(ip_network(f"{self.address}/16", strict=False)[1])

    @property
    def bridge(self) -> str:
        first, second = self.address.packed[:2]
        return f"toque-{first}-{second}"

    @property
    def outside(self) -> str:
        """The host's end of the pair; interface names have at most 15 characters."""
        return f"tq{self.address.packed.hex()}"


def refusal() -> Refusal | None:
    """Why there can be no network of its own here, apart from not being root."""
    if shutil.which("ip") is None:
        return Refusal("there is no program ip here, which an own network needs", "install package iproute2")
    return None


def connect_outside(net: Net, pid: int) -> None:
    """The host's half: the bridge if need be, and a pair whose other end is in the network namespace of `pid`."""
    if not Path(f"/sys/class/net/{net.bridge}").exists():
        _ip("link", "add", "name", net.bridge, "type", "bridge", ok="File exists")
    _ip("address", "replace", f"{net.gateway}/16", "dev", net.bridge)
    _ip("link", "set", net.bridge, "up")
    # One that is left belongs to a sandbox that is just ending.
    if Path(f"/sys/class/net/{net.outside}").exists():
        _ip("link", "delete", net.outside, ok="Cannot find device")
    _ip("link", "add", "name", net.outside, "type", "veth", "peer", "name", _INSIDE, "netns", str(pid))
    _ip("link", "set", net.outside, "master", net.bridge, "up")


def connect_inside(net: Net) -> None:
    """The sandbox's half, in its network namespace."""
    _ip("link", "set", "lo", "up")
    _ip("address", "add", f"{net.address}/16", "dev", _INSIDE)
    _ip("link", "set", _INSIDE, "up")
    _ip("route", "add", "default", "via", net.gateway)


def interfaces() -> dict[str, Any]:
    """The host's interfaces and its default routes, as `ip` tells them; empty without that program."""
    if refusal() is not None:
        return {}
    asked = {"addresses": ["address"], "routes": ["-4", "route", "show", "default"]}
    told = {name: subprocess.run(["ip", "-j", *words], capture_output=True, text=True) for name, words in asked.items()}
    return {name: json.loads(done.stdout or "[]") for name, done in told.items() if done.returncode == 0}


def imitate(seen: dict[str, Any], warn: Callable[[str], None]) -> None:
    """Interfaces that look like the host's, so that facts are the same, and lead nowhere: each try fails at once."""
    try:
        _ip("link", "set", "lo", "up")
        for link in seen.get("addresses", ()):
            if link["ifname"] != "lo" and link.get("addr_info"):
                _imitate(link)
        for route in seen.get("routes", ()):
            if "gateway" in route:
                metric = ["metric", str(route["metric"])] if "metric" in route else []
                _ip("route", "add", "default", "via", route["gateway"], "dev", route["dev"], "onlink", *metric)
        # After the local addresses, before all routes.
        for family in ("-4", "-6"):
            _ip(family, "rule", "add", "unreachable", "pref", "1", ok="not supported")
    except OSError as error:
        warn(f"the clone's network does not look like this machine's: {error}")


def _imitate(link: dict[str, Any]) -> None:
    hardware = ["address", link["address"]] if link.get("link_type") == "ether" else []
    try:
        _ip("link", "add", "name", link["ifname"], *hardware, "type", "dummy", ok="File exists")
    except OSError:  # not every kernel has it, and a bridge without ports does as well
        _ip("link", "add", "name", link["ifname"], *hardware, "type", "bridge", ok="File exists")
    for each in link.get("addr_info", ()):
        if each.get("family") == "inet" or each.get("scope") == "global":
            _ip("address", "add", f"{each['local']}/{each['prefixlen']}", "dev", link["ifname"], ok="File exists")
    _ip("link", "set", link["ifname"], "up")


def disconnect(net: Net) -> None:
    """Take the bridge away when no sandbox is on it any more."""
    ports = Path(f"/sys/class/net/{net.bridge}/brif")
    if ports.is_dir() and all(port.name == net.outside for port in ports.iterdir()):
        _ip("link", "delete", net.bridge, ok="Cannot find device")


def _ip(*words: str, ok: str | None = None) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0 and (ok is None or ok not in done.stderr):
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
