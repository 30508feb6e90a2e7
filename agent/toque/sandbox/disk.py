"""The disk of a sandbox: overlays of the host's file systems, and what of the host is covered up in them.

Everything here runs in the sandbox's own mount namespace, before its first process. Private directories are covered by
opaque directories in the upper layer rather than by mounts: nothing inside can take them away, and what is put there
stays on the disk.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from toque.sandbox import linux

# Covered in every clone: people's files, secrets, and other machines' disks.
PRIVATE = (
    "/root",
    "/home",
    "/var/tmp",
    "/etc/ssl/private",
    "/var/spool/cron/crontabs",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/containerd",
    "/var/lib/machines",
)
# Not there at all in a new clone: what an agent or server of the host itself keeps, and keys that say who the host is.
ABSENT = ("/etc/toque", "/var/lib/toque", "/var/log/toque", "/var/lib/toque-sandbox", "/etc/ssh/ssh_host_*_key")
_PASSWORDS = ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-")

# Places of their own in every clone; what the host has mounted beneath them is not copied.
OWN = ("/proc", "/sys", "/dev", "/run", "/tmp", "/mnt", "/media")
# fmt: off
_NOT_DISKS = frozenset({
    "proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "ramfs", "cgroup", "cgroup2", "mqueue", "hugetlbfs", "debugfs",
    "tracefs", "securityfs", "pstore", "bpf", "configfs", "fusectl", "efivarfs", "binfmt_misc", "autofs", "nsfs",
    "rpc_pipefs", "selinuxfs", "squashfs", "iso9660", "overlay",
})
# fmt: on


@dataclass(frozen=True)
class Layer:
    """One overlay: where on the host its lower layer is, and where its changes are kept."""

    lower: Path
    upper: Path
    work: Path

    def place(self, path: Path) -> Path:
        """Where a change of this path of the host is kept."""
        return self.upper / path.relative_to(self.lower)


@dataclass(frozen=True)
class Disk:
    """A mounted disk. `xattr` is the name space of overlay's own attributes: trusted, or user without root."""

    root: Path
    layers: tuple[Layer, ...]
    xattr: str

    def layer_of(self, path: Path) -> Layer:
        return max(
            (each for each in self.layers if path.is_relative_to(each.lower)), key=lambda each: len(each.lower.parts)
        )


def layers_in(folder: Path, covered: Iterable[Path]) -> tuple[Layer, ...]:
    """A layer for the root file system, and one for each further file system of the host that a clone has to show."""
    covered = [*map(Path, OWN), *covered]
    lowers = [Path("/"), *(p for p in disk_mounts() if not any(p.is_relative_to(c) for c in covered))]
    return tuple(_layer(folder, lower) for lower in lowers)


def _layer(folder: Path, lower: Path) -> Layer:
    name = str(lower).strip("/").replace("/", "-") or "root"
    return Layer(lower, folder / name / "upper", folder / name / "work")


def disk_mounts(*, all_kinds: bool = False) -> list[Path]:
    """Where the host has file systems mounted besides its root: those a clone shows, or all."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        path = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), left.split()[4]))
        if path != Path("/") and (all_kinds or right.split()[0] not in _NOT_DISKS) and path.is_dir():
            found.append(path)
    return sorted(set(found))


def mount_disk(root: Path, layers: tuple[Layer, ...], *, xattr: str, warn: Callable[[str], None]) -> Disk:
    """Mount the overlays at `root`. A further file system that cannot be cloned is left out, with a warning."""
    mounted = []
    for layer in layers:
        for folder in (layer.upper, layer.work):
            folder.mkdir(parents=True, exist_ok=True)
        target = root / layer.lower.relative_to("/")
        try:
            _mount_overlay(layer, target, xattr)
        except OSError as error:
            if layer.lower == Path("/"):
                raise
            warn(f"{layer.lower} of the host is left out of the clone: {error}")
        else:
            mounted.append(layer)
    return Disk(root, tuple(mounted), xattr)


def _mount_overlay(layer: Layer, target: Path, xattr: str) -> None:
    # Relative to the layer's own folder, so that no character of the data directory's path needs escaping.
    os.chdir(layer.upper.parent)
    target = target.absolute()
    options = f"lowerdir={escaped(layer.lower)},upperdir=upper,workdir=work" + (",userxattr" if xattr == "user" else "")
    linux.mount("overlay", target, "overlay", data=options)


def escaped(path: Path) -> str:
    """A path as it has to be written among the options of an overlay."""
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def carries_upper_layers(folder: Path, *, xattr: str = "trusted") -> bool:
    """Whether the file system of `folder` can hold the upper layer of an overlay (an overlay itself cannot)."""
    probe = folder / ".probe"
    layer, target = Layer(probe / "lower", probe / "upper", probe / "work"), probe / "root"
    for path in (layer.lower, layer.upper, layer.work, target):
        path.mkdir(parents=True, exist_ok=True)
    try:
        _mount_overlay(layer, target, xattr)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EACCES):
            raise
        return False
    else:
        linux.detach(target)
        return True
    finally:
        os.chdir(folder)
        shutil.rmtree(probe)


def cover(disk_layers: tuple[Layer, ...], places: Iterable[Path], *, xattr: str) -> None:
    """Lay out a new disk's upper layers so that these directories are empty in the clone."""
    shallow = Disk(Path("/"), disk_layers, xattr)
    for path in outermost(path.resolve() for path in places):
        if path.is_dir() and not path.is_symlink():
            _cover(shallow, path)


def cover_private_places(disk_layers: tuple[Layer, ...], hidden: Iterable[Path], *, xattr: str) -> None:
    """Lay out a new disk's upper layers so that the clone never shows what is private to the host."""
    cover(disk_layers, [*(Path(path) for path in PRIVATE if not Path(path).is_symlink()), *hidden], xattr=xattr)
    shallow = Disk(Path("/"), disk_layers, xattr)
    for path in absent():
        place = _place_with_parents(shallow, path)
        if not os.path.lexists(place):
            white_out(place)
    for name in _PASSWORDS:
        if Path(name).exists():
            _lock_passwords(shallow, Path(name))


def outermost(paths: Iterable[Path]) -> list[Path]:
    """Without what lies beneath another: it is covered with that one, and its very name would tell something."""
    found: list[Path] = []
    for path in sorted(set(paths)):
        if not any(path.is_relative_to(each) for each in found):
            found.append(path)
    return found


def absent() -> list[Path]:
    """What of ABSENT this host has."""
    return [path for pattern in ABSENT for path in Path("/").glob(pattern.lstrip("/"))]


def white_out(place: Path) -> None:
    """Leave overlay's own sign for "not there" in a layer; every user may."""
    os.mknod(place, stat.S_IFCHR, os.makedev(0, 0))


def _cover(disk: Disk, path: Path) -> None:
    place = _place_with_parents(disk, path)
    if place.exists():
        return
    _copy_directory(path, place)
    os.setxattr(place, f"{disk.xattr}.overlay.opaque", b"y")


def _place_with_parents(disk: Disk, path: Path) -> Path:
    layer = disk.layer_of(path)
    layer.upper.mkdir(parents=True, exist_ok=True)
    for parent in reversed(path.parents):
        if parent.is_relative_to(layer.lower) and not (place := layer.place(parent)).exists():
            _copy_directory(parent, place)
    return layer.place(path)


def _copy_directory(path: Path, place: Path) -> None:
    seen = path.stat()
    place.mkdir(exist_ok=True)
    os.chown(place, seen.st_uid, seen.st_gid)
    place.chmod(stat.S_IMODE(seen.st_mode))


def _lock_passwords(disk: Disk, path: Path) -> None:
    """A clone has the host's accounts, but nobody's password."""
    seen = path.stat()
    place = _place_with_parents(disk, path)
    lines = [line.split(":") for line in path.read_text().splitlines()]
    text = "".join(":".join([fields[0], "*" if fields[1] else "", *fields[2:]]) + "\n" for fields in lines)
    place.touch(mode=0o600)
    place.write_text(text)
    os.chown(place, seen.st_uid, seen.st_gid)
    place.chmod(stat.S_IMODE(seen.st_mode))
