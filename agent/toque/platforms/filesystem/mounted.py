"""Where a file system is mounted; for a moment somewhere, if it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from toque.core import Host


def place_of(host: Host, device: str) -> str | None:
    """The folder at which a device is mounted; None when it is not."""
    ran = host.run(["findmnt", "--json", "--output=TARGET", "--source", device], ok={0, 1})
    if ran.code != 0 or not ran.out.strip():
        return None
    place: str = json.loads(ran.out)["filesystems"][0]["target"]
    return place


@contextmanager
def mounted(host: Host, device: str) -> Iterator[str]:
    """The folder at which it is mounted; if there is none, one that is there meanwhile."""
    place = place_of(host, device)
    if place is not None:
        yield place
        return
    place = f"/run/toque-grow-{device.strip('/').replace('/', '-')}"
    host.make_directory(place, mode=0o700)
    try:
        host.run(["mount", "--", device, place])
        try:
            yield place
        finally:
            host.run(["umount", "--", place])
    finally:
        host.remove(place)
