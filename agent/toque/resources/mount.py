"""mount: a file system at its place, now and after a boot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, action, recipe_word, resource
from toque.core.files import absolute
from toque.core.fstab import Line, check_device, line_in, put_line
from toque.core.secret import holds_secret

_TAGS = ("UUID=", "PARTUUID=", "LABEL=", "PARTLABEL=", "ID=")
_OPPOSITES = {
    "rw": "ro",
    "suid": "nosuid",
    "dev": "nodev",
    "exec": "noexec",
    "async": "sync",
    "atime": "noatime",
    "diratime": "nodiratime",
}
"""Options of every file system that can be seen while it is mounted, most of them by the lack of their opposite."""


@dataclass(frozen=True)
class MountState:
    mounted: bool | None
    device: str | None = None
    options: str | None = None
    """Those in force that can be seen and that the recipe names."""
    in_fstab: bool | None = None
    fstab: str | None = None
    """The line of /etc/fstab."""


@resource("mount")
@dataclass(frozen=True)
class Mount(Resource[MountState]):
    """Keep a file system mounted at a folder, and in /etc/fstab, so that it is there after a boot.

    path        the folder, absolute; made (0755, root) where it is missing
    device      "/dev/vdb1", "UUID=…", "LABEL=…", a folder (options=["bind"]), "tmpfs", or "server:/export"
    fstype      its kind: "ext4", "xfs", "nfs", "tmpfs", …; "auto" asks the device
    options     as mount takes them, e.g. ["noatime", "size=64m"]; a Secret is refused, as all can read it: name a file
                ("credentials=/etc/cifs.secret")
    dump        the fifth field of /etc/fstab
    fsck_pass   the sixth: 1 for the root, 2 for others to be checked at boot, 0 for none
    mounted     True, False, or None: not managed
    in_fstab    True, False, or None: not managed
    present     False unmounts it and takes its line out of /etc/fstab; the folder stays

    When options change, it is mounted again in place (`remount`); when the device changes, it is unmounted first, which
    fails while files of it are open. Actions: `remount`.

        mount("/srv/data", device="LABEL=data", fstype="ext4", options=["noatime"], fsck_pass=2)
        mount("/srv/cache", device="tmpfs", fstype="tmpfs", options=["size=64m", "mode=0755"])
    """

    path: str
    _: KW_ONLY
    device: str | None = None
    fstype: str = "auto"
    options: Sequence[str] = ("defaults",)
    dump: int = 0
    fsck_pass: int = 0
    mounted: bool | None = True
    in_fstab: bool | None = True
    present: bool = True

    def __post_init__(self) -> None:
        absolute("mount", self.path)
        if not self.path.isprintable() or (self.path != "/" and self.path.endswith("/")) or "//" in self.path:
            raise BadProperty(f"mount path must be one line, without a slash at its end, got {self.path!r}")
        if self.device is None:
            if self.present and (self.mounted or self.in_fstab):
                raise BadProperty(f"mount needs the device for {self.path}")
        else:
            check_device("mount device", self.device)
        if holds_secret(self.options) or holds_secret(self.device):
            raise BadProperty(
                "mount options and device must hold no Secret: every user of the machine can read them; name a file of "
                'mode 0600 instead, such as "credentials=/etc/cifs.secret"'
            )
        for name, value in (("fstype", self.fstype), *(("options", each) for each in self.options)):
            if not value or value.startswith("-") or " " in value or "#" in value or not value.isprintable():
                raise BadProperty(f"mount {name} must be words without blanks, got {value!r}")
        for name, number in (("dump", self.dump), ("fsck_pass", self.fsck_pass)):
            if not 0 <= number <= 9:
                raise BadProperty(f"mount {name} must be 0 to 9, got {number}")

    def desired(self) -> MountState | None:
        if not self.present:
            return None
        options = ",".join(self.options)
        return MountState(
            self.mounted,
            self.device if self.mounted else None,
            options if self.mounted else None,
            self.in_fstab,
            str(self._line()) if self.in_fstab else None,
        )

    def current(self, host: Host) -> MountState | None:
        found, line = self._found(host), line_in(host, self._is_its)
        if not self.present:
            return None if found is None and line is None else MountState(found is not None, in_fstab=line is not None)
        return MountState(
            mounted=found is not None,
            device=self._device_of(host, found),
            options=self._options_of(found),
            in_fstab=line is not None,
            fstab=None if line is None else str(line),
        )

    def apply(self, host: Host, change: Change[MountState]) -> None:
        if change.want is None:
            if self._found(host) is not None:
                host.run(["umount", "--", self.path])
            if line_in(host, self._is_its) is not None:
                put_line(host, self._is_its, None)
            return
        if "in_fstab" in change or "fstab" in change:
            put_line(host, self._is_its, self._line() if self.in_fstab else None)
            if host.entry("/run/systemd/system") is not None:
                host.run(["systemctl", "daemon-reload"])
        if "mounted" in change and not self.mounted:
            host.run(["umount", "--", self.path])
        elif "mounted" in change or "device" in change:
            if "mounted" not in change:
                host.run(["umount", "--", self.path])
            self._mount(host)
        elif self.mounted and ("options" in change or self._has_new_options(change)):
            self._remount(host)

    @action
    def remount(self, host: Host) -> None:
        """Mount it again in place, with its options."""
        self._remount(host)

    def _mount(self, host: Host) -> None:
        if host.entry(self.path) is None:
            host.make_directory(self.path, mode=0o755, parents=True)
        given = ["-t", self.fstype, "-o", ",".join(self.options)]
        host.run(["mount", *given, "--", str(self.device), self.path])

    def _remount(self, host: Host) -> None:
        host.run(["mount", "-o", ",".join(["remount", *self.options]), "--", self.path])

    def _has_new_options(self, change: Change[MountState]) -> bool:
        """Whether the options of its line were others: most cannot be seen while it is mounted."""
        before = change.was.fstab if change.was is not None else None
        return "fstab" in change and before is not None and before.split(" ")[3] != str(self._line()).split(" ")[3]

    def _line(self) -> Line:
        return Line(str(self.device), self.path, self.fstype, ",".join(self.options), self.dump, self.fsck_pass)

    def _is_its(self, line: Line) -> bool:
        return (line.path.rstrip("/") or "/") == self.path and line.fstype != "swap"

    def _found(self, host: Host) -> dict[str, str] | None:
        """What is mounted here, the last where there are several on top of each other."""
        asked = ["findmnt", "--json", "--nofsroot", "--output=TARGET,SOURCE,FSTYPE,OPTIONS", "--mountpoint", self.path]
        ran = host.run(asked, ok={0, 1})
        if ran.code != 0 or not ran.out.strip():
            return None
        found: dict[str, str] = json.loads(ran.out)["filesystems"][-1]
        return found

    def _device_of(self, host: Host, found: dict[str, str] | None) -> str | None:
        """The device that is mounted, in the recipe's words where it is the one; a bind mount's cannot be told."""
        if found is None or self.device is None:
            return None
        source, wanted = found["source"], self.device
        if "bind" in self.options or "rbind" in self.options:
            return self.device
        if wanted.startswith(_TAGS):
            wanted = host.run(["findfs", wanted], ok=range(256)).out.strip()
        elif wanted.startswith("/"):
            to = host.run(["readlink", "--canonicalize", "--", wanted], ok=range(256)).out.strip()
            wanted = to or wanted
            # A file with a file system in it is mounted by way of a loop device.
            entry = host.entry(wanted)
            if entry is not None and entry.kind == "file" and source.startswith("/dev/loop"):
                return self.device
        return self.device if source == wanted else source

    def _options_of(self, found: dict[str, str] | None) -> str | None:
        """The recipe's options if all that can be seen are in force; else what is in force."""
        if found is None:
            return None
        seen = set(found["options"].split(","))
        named = ",".join(self.options)
        return named if all(_in_force(option, seen) for option in named.split(",")) else found["options"]


def _in_force(option: str, seen: set[str]) -> bool:
    """Whether the kernel shows that an option holds; True for those that it does not show."""
    if option in {*_OPPOSITES.values(), "rw", "relatime", "dirsync"}:
        return option in seen
    return _OPPOSITES.get(option) not in seen


mount = recipe_word(Mount)
