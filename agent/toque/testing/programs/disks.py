"""Devices of the fake machine: what is on them, what is mounted where, what is swapped to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost

_MB = 1 << 20
_SWAPS = "/proc/swaps"
_BUSY = "target is busy."


@dataclass
class Device:
    """`contents` as blkid calls them, e.g. {"TYPE": "ext4", "LABEL": "data"}; `used_mb` is what its file system uses.

    `garbage` is data that blkid does not know.
    """

    size_mb: int = 1024
    contents: dict[str, str] = field(default_factory=dict)
    used_mb: int | None = None
    garbage: bool = False


@dataclass
class Disks:
    """`mounts` maps folders to (source, kind, options); a folder in `busy` cannot be unmounted."""

    devices: dict[str, Device] = field(default_factory=dict)
    mounts: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["findmnt", *_, "--mountpoint", path]:
                return self._mounted([path] if path in self.mounts else [])
            case ["findmnt", *_, "--source", device]:
                return self._mounted([path for path, (source, *_) in self.mounts.items() if source == device])
            case ["findfs", tag]:
                name, _, value = tag.partition("=")
                found = [path for path, device in self.devices.items() if device.contents.get(name) == value]
                return Ran(out=f"{found[0]}\n") if found else Ran(1, err=f"findfs: unable to resolve '{tag}'")
            case ["readlink", "--canonicalize", "--", path]:
                return Ran(out=f"{host.link_target(path) or path}\n")
            case ["blkid", *_, "--", path]:
                contents = self._device(path, host).contents
                return Ran(
                    out="".join(f"{key}={value}\n" for key, value in contents.items()), code=0 if contents else 2
                )
            case ["cmp", *_, "--", path, "/dev/zero"]:
                compared = self._device(path, host)
                return Ran(code=1 if compared.garbage or compared.contents else 0)
            case ["blockdev", "--getsize64", path]:
                return Ran(out=f"{self._device(path, host).size_mb * _MB}\n")
            case ["dumpe2fs", *_, path]:
                return Ran(out=f"Block count:              {self._used(path) * _MB // 4096}\nBlock size:   4096\n")
            case ["xfs_db", *_, path]:
                return Ran(out=f"dblocks = {self._used(path) * _MB // 4096}\nblocksize = 4096\n")
            case ["btrfs", "inspect-internal", *_, path]:
                return Ran(out=f"dev_item.total_bytes\t{self._used(path) * _MB}\n")
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["mount", "-o", options, "--", path] if options.startswith("remount"):
                source, kind, _ = self.mounts[path]
                self.mounts[path] = (source, kind, _in_force(options.removeprefix("remount,")))
            case ["mount", "-t", kind, "-o", options, "--", source, path]:
                return self._mount(source, path, kind, options)
            case ["mount", "--", source, path]:
                return self._mount(source, path, "auto", "defaults")
            case ["umount", "--", path]:
                if path in self.busy:
                    return Ran(32, err=f"umount: {path}: {_BUSY}")
                del self.mounts[path]
            case ["dd", "if=/dev/zero", of, _, count, _]:
                host.add(of.removeprefix("of="), b"\0" * (int(count.removeprefix("count=")) * _MB))
            case ["mkswap", "--", path]:
                self._device(path, host).contents = {"TYPE": "swap"}
                if path not in self.devices:
                    self.devices[path] = Device(contents={"TYPE": "swap"})
            case ["swapon" | "swapoff" as program, "--", path]:
                lines = (host.read(_SWAPS) or b"Filename Type Size Used Priority\n").decode().splitlines(keepends=True)
                kept = [line for line in lines if line.split()[0] != path]
                host.add(_SWAPS, "".join([*kept, *([f"{path} file 1020 0 -2\n"] if program == "swapon" else [])]))
            case _:
                return self._format(argv)
        return Ran()

    def _format(self, argv: list[str]) -> Answer:
        match argv:
            case [program, "-q", *options, "--", path] if program.startswith("mkfs."):
                device = self.devices[path]
                label = {"LABEL": options[options.index("-L") + 1]} if "-L" in options else {}
                device.contents = {"TYPE": program.removeprefix("mkfs."), **label}
                device.used_mb = device.size_mb
            case ["e2label", path, label]:
                self.devices[path].contents["LABEL"] = label
            case ["xfs_io", "-c", said, place]:
                self.devices[self.mounts[place][0]].contents["LABEL"] = said.split()[-1]
            case ["btrfs", "filesystem", "label", "--", place, label]:
                self.devices[self.mounts[place][0]].contents["LABEL"] = label
            case ["e2fsck", *_]:
                pass
            case ["resize2fs", "--", path]:
                self.devices[path].used_mb = self.devices[path].size_mb
            case ["xfs_growfs", place] | ["btrfs", "filesystem", "resize", "max", place]:
                device = self.devices[self.mounts[place][0]]
                device.used_mb = device.size_mb
            case _:
                return None
        return Ran()

    def _mount(self, source: str, path: str, kind: str, options: str) -> Ran:
        name, _, value = source.partition("=")
        for device, what in self.devices.items():
            if value and what.contents.get(name) == value:
                source = device
        if source in self.devices:
            kind = self.devices[source].contents.get("TYPE", "")
            if not kind:
                return Ran(32, err=f"mount: {path}: wrong fs type, bad option, bad superblock on {source}.")
        self.mounts[path] = (source, kind, _in_force(options))
        return Ran()

    def _mounted(self, paths: list[str]) -> Ran:
        if not paths:
            return Ran(1)
        rows = []
        for path in paths:
            source, kind, options = self.mounts[path]
            rows.append({"target": path, "source": source, "fstype": kind, "options": options})
        return Ran(out=json.dumps({"filesystems": rows}))

    def _device(self, path: str, host: FakeHost) -> Device:
        known = self.devices.get(path)
        if known is not None:
            return known
        content = host.read(path) or b""
        return Device(len(content) // _MB, garbage=bool(content.strip(b"\0")))

    def _used(self, path: str) -> int:
        device = self.devices[path]
        return device.size_mb if device.used_mb is None else device.used_mb


def _in_force(options: str) -> str:
    """The options as the kernel tells them: of those that are not seen, none."""
    given = options.split(",")
    seen = [each for each in given if each in ("ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "sync")]
    return ",".join([*(["rw"] if "ro" not in given else []), *seen, *(["relatime"] if "noatime" not in given else [])])


def with_disks(devices: dict[str, Device], *, fstab: str = "", **what: object) -> FakeHost:
    """A machine with devices: `with_disks({"/dev/vdb": Device()})`."""
    host = FakeHost(files={"/etc/fstab": fstab}, programs=[Disks(devices, **what)])  # type: ignore[arg-type]
    for path in devices:
        host.add(path, b"")
        host.nodes[path].kind = "other"
    host.add("/run/x", b"")
    return host
