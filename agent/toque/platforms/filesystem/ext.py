"""ext2, ext3 and ext4."""

from __future__ import annotations

import re
from collections.abc import Sequence

from toque.core import Host
from toque.platforms.filesystem.mounted import place_of

_CORRECTED = 1


class Ext:
    longest_label = 16

    def make(self, host: Host, device: str, fstype: str, label: str | None, options: Sequence[str]) -> None:
        named = ["-L", label] if label else []
        host.run([f"mkfs.{fstype}", "-q", *named, *options, "--", device])

    def size(self, host: Host, device: str) -> int:
        said = host.run(["dumpe2fs", "-h", "--", device]).out
        count, size = (int(re.findall(rf"^Block {what}: +(\d+)$", said, re.MULTILINE)[0]) for what in ("count", "size"))
        return count * size

    def grow(self, host: Host, device: str) -> None:
        if place_of(host, device) is None:
            # Out of use, it grows only after a check.
            host.run(["e2fsck", "-f", "-p", "--", device], ok={0, _CORRECTED})
        host.run(["resize2fs", "--", device])

    def set_label(self, host: Host, device: str, label: str) -> None:
        host.run(["e2label", device, label])
