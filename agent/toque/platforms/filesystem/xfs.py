"""xfs: grows while it is mounted, gets its label while it is not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from toque.core import Host
from toque.platforms.filesystem.mounted import mounted


class Xfs:
    longest_label = 12

    def make(self, host: Host, device: str, fstype: str, label: str | None, options: Sequence[str]) -> None:
        named = ["-L", label] if label else []
        host.run(["mkfs.xfs", "-q", *named, *options, "--", device])

    def size(self, host: Host, device: str) -> int:
        said = host.run(["xfs_db", "-r", "-c", "sb 0", "-c", "print dblocks blocksize", device]).out
        found = {name: int(value) for name, value in re.findall(r"^(\w+) = (\d+)$", said, re.MULTILINE)}
        return found["dblocks"] * found["blocksize"]

    def grow(self, host: Host, device: str) -> None:
        with mounted(host, device) as place:
            host.run(["xfs_growfs", place])

    def set_label(self, host: Host, device: str, label: str) -> None:
        with mounted(host, device) as place:
            host.run(["xfs_io", "-c", f"label -s {label}", place])
