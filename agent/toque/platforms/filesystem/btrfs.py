"""btrfs on one device: grows while it is mounted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from toque.core import Host
from toque.platforms.filesystem.mounted import mounted


class Btrfs:
    longest_label = 255

    def make(self, host: Host, device: str, fstype: str, label: str | None, options: Sequence[str]) -> None:
        named = ["-L", label] if label else []
        host.run(["mkfs.btrfs", "-q", *named, *options, "--", device])

    def size(self, host: Host, device: str) -> int:
        said = host.run(["btrfs", "inspect-internal", "dump-super", "--", device]).out
        return int(re.findall(r"^dev_item\.total_bytes\s+(\d+)$", said, re.MULTILINE)[0])

    def grow(self, host: Host, device: str) -> None:
        with mounted(host, device) as place:
            host.run(["btrfs", "filesystem", "resize", "max", place])

    def set_label(self, host: Host, device: str, label: str) -> None:
        with mounted(host, device) as place:
            host.run(["btrfs", "filesystem", "label", "--", place, label])
