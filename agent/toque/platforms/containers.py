"""What podman and docker have in common: which of them is here, and what they say of a container."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from toque.core.host import Host

ENGINES = ("podman", "docker")
PORT = re.compile(
    r"((?P<address>[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|\[[0-9A-Fa-f:]+\]):)?(?P<port>[0-9]{1,5}):(?P<inside>[0-9]{1,5})"
    r"(/(?P<protocol>tcp|udp|sctp))?"
)
MOUNT = re.compile(
    r"(?P<source>/[^:\0\n]*|[A-Za-z0-9][A-Za-z0-9_.-]*):(?P<inside>/[^:\0\n]*)(:(?P<options>[A-Za-z,]+))?"
)
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")


def engine_of(host: Host, wanted: str | None) -> str | None:
    """podman or docker, whichever is wanted or, without a wish, is here; None: it is not."""
    return next((each for each in ((wanted,) if wanted else ENGINES) if host.which(each) is not None), None)


def inspected(host: Host, argv: Sequence[str]) -> dict[str, Any] | None:
    """What the engine says of one thing; None where it does not have it, or does not answer at all."""
    said = host.run(argv, ok=range(256), cwd="/")
    if said.code != 0:
        return None
    found = json.loads(said.out or "[]")
    return found[0] if found else None


def plain_port(text: str) -> str:
    """A port in one spelling: `[address:]port:inside/protocol`, without the address that means all."""
    found = PORT.fullmatch(text)
    if found is None:
        return text
    address = "" if found["address"] in (None, "0.0.0.0", "[::]") else f"{found['address']}:"
    return f"{address}{int(found['port'])}:{int(found['inside'])}/{found['protocol'] or 'tcp'}"


def plain_mount(text: str) -> str:
    """A mount in one spelling: what it is read from, where, and whether it is read only."""
    found = MOUNT.fullmatch(text)
    if found is None:
        return text
    read_only = ":ro" if "ro" in (found["options"] or "").split(",") else ""
    return f"{found['source'].rstrip('/') or '/'}:{found['inside'].rstrip('/')}{read_only}"


def ports_of(container: Mapping[str, Any]) -> tuple[str, ...]:
    bindings = container.get("HostConfig", {}).get("PortBindings") or {}
    found = set()
    for inside, outsides in bindings.items():
        for each in outsides or ():
            address = each.get("HostIp", "")
            start = f"[{address}]:" if ":" in address else f"{address}:" if address else ""
            found.add(plain_port(f"{start}{each.get('HostPort')}:{inside}"))
    return tuple(sorted(found))


def mounts_of(container: Mapping[str, Any]) -> tuple[str, ...]:
    """Without the volumes that the image brings."""
    found = []
    for each in container.get("Mounts") or ():
        source = each.get("Name") if each.get("Type") == "volume" else each.get("Source")
        if source and not _ANONYMOUS.fullmatch(source):
            found.append(plain_mount(f"{source}:{each['Destination']}" + ("" if each.get("RW", True) else ":ro")))
    return tuple(sorted(found))
