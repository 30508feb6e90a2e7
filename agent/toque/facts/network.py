"""node.network: names and addresses."""

from __future__ import annotations

import socket
from pathlib import Path

from toque.core.node import Interface, Network


def collect(root: Path = Path("/")) -> Network:
    """From the kernel's tables; sends nothing."""
    hostname = socket.gethostname()
    interfaces = _interfaces()
    gateway, device = default_route(root)
    return Network(
        hostname=hostname.partition(".")[0],
        fqdn=_fqdn(hostname),
        ip=_address(interfaces, device),
        gateway=gateway,
        interfaces=interfaces,
    )


def default_route(root: Path) -> tuple[str, str]:
    """(gateway, interface) of the default route with the lowest metric; empty without one."""
    try:
        rows = [line.split() for line in (root / "proc/net/route").read_text().splitlines()[1:]]
    except OSError:
        return "", ""
    routes = sorted((int(row[6]), row[2], row[0]) for row in rows if len(row) > 7 and row[1] == row[7] == "00000000")
    if not routes:
        return "", ""
    _, gateway, device = routes[0]
    return socket.inet_ntoa(bytes.fromhex(gateway)[::-1]), device


def _interfaces() -> tuple[Interface, ...]:
    import psutil

    found = []
    for name, addresses in sorted(psutil.net_if_addrs().items()):
        mac = next((each.address for each in addresses if each.family == psutil.AF_LINK), "")
        ipv4 = tuple(each.address for each in addresses if each.family == socket.AF_INET)
        ipv6 = tuple(each.address.partition("%")[0] for each in addresses if each.family == socket.AF_INET6)
        found.append(Interface(name, mac, ipv4, ipv6))
    return tuple(found)


def _address(interfaces: tuple[Interface, ...], device: str) -> str:
    ours = [i for i in interfaces if i.name == device] + [i for i in interfaces if i.name != "lo"]
    return next((address for each in ours for address in each.ipv4 if not address.startswith("127.")), "127.0.0.1")


def _fqdn(hostname: str) -> str:
    """From /etc/hosts and DNS as the system is set up, but never an address for an answer."""
    if "." in hostname:
        return hostname
    full = socket.getfqdn(hostname)
    return full if "." in full and not full.endswith(".arpa") and full != "localhost.localdomain" else hostname
