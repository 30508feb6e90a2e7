"""swap: a file or a device to which memory is swapped."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, CommandFailed, Host, NotFound, Resource, converge, recipe_word, resource
from toque.core.files import absolute
from toque.core.fstab import Line, line_in, put_line
from toque.platforms.filesystem import HoldsData, check_empty, contents_of, kind_of
from toque.resources.sysctl import Sysctl

_ACTIVE = "/proc/swaps"
_MB = 1 << 20


@dataclass(frozen=True)
class SwapState:
    active: bool | None
    size_mb: int | None = None
    persistent: bool | None = None
    """Whether /etc/fstab has it."""
    swappiness: int | None = None


@resource("swap")
@dataclass(frozen=True)
class Swap(Resource[SwapState]):
    """Keep a file or device in use for swapping, now and after a boot.

    path        absolute: a file, which is made for it, or a device such as "/dev/vdc", which must be empty
    size_mb     mebibytes of the file; a file of another size is made anew. A device is used whole, without it
    persistent  whether /etc/fstab has it, so that it is used after a boot; None is left alone
    swappiness  0 to 200: how readily the machine swaps (vm.swappiness, kept as `sysctl` keeps it); None is left alone
    present     False ends its use, takes its line out of /etc/fstab and removes the file; a device keeps its mark

    A file or device that holds anything else is never overwritten. A file must be on a file system that can be swapped
    to (ext4, xfs; not an overlay).

        swap("/swapfile", size_mb=2048, swappiness=10)
    """

    path: str
    _: KW_ONLY
    size_mb: int | None = None
    persistent: bool | None = True
    swappiness: int | None = None
    present: bool = True

    def __post_init__(self) -> None:
        absolute("swap", self.path)
        if not self.path.isprintable() or "\\" in self.path:
            raise BadProperty(f"swap path must be one line without backslashes, got {self.path!r}")
        if self.size_mb is not None and not 1 <= self.size_mb <= 1 << 22:
            raise BadProperty(f"swap size_mb must be 1 to {1 << 22} mebibytes, got {self.size_mb}")
        if self.size_mb is not None and self.path.startswith("/dev/"):
            raise BadProperty(f"swap uses a device whole: leave out size_mb for {self.path}")
        if self.present and self.size_mb is None and not self.path.startswith("/dev/"):
            raise BadProperty(f"swap needs size_mb for the file {self.path}, e.g. size_mb=2048")
        if self.swappiness is not None and not 0 <= self.swappiness <= 200:
            raise BadProperty(f"swap swappiness must be 0 to 200, got {self.swappiness}")

    def desired(self) -> SwapState | None:
        return SwapState(True, self.size_mb, self.persistent, self.swappiness) if self.present else None

    def current(self, host: Host) -> SwapState | None:
        entry, active = host.entry(self.path), self._is_active(host)
        saved = line_in(host, self._is_its) is not None
        if not self.present:
            gone = not active and not saved and (entry is None or entry.kind != "file")
            return None if gone else SwapState(active, persistent=saved)
        if entry is None or (not active and kind_of(contents_of(host, self.path)) != "swap"):
            return None
        size = None if self.size_mb is None else entry.size // _MB
        return SwapState(active, size, saved, self._swappiness_of(host))

    def apply(self, host: Host, change: Change[SwapState]) -> None:
        if change.want is None:
            self._take_away(host)
            return
        anew = change.was is None or "size_mb" in change
        if anew:
            self._make(host)
        if anew or "active" in change:
            host.run(["swapon", "--", self.path])
        if "persistent" in change and (self.persistent or line_in(host, self._is_its) is not None):
            line = Line(self.path, "none", "swap", "sw")
            put_line(host, self._is_its, line if self.persistent else None)
        rule = self._rule()
        if "swappiness" in change and rule is not None:
            converge(rule, host)

    def _make(self, host: Host) -> None:
        if self.size_mb is None:
            if host.entry(self.path) is None:
                raise NotFound("device on this machine called", self.path)
            check_empty(host, self.path, "swap")
        else:
            self._make_file(host)
        host.run(["mkswap", "--", self.path])

    def _make_file(self, host: Host) -> None:
        entry = host.entry(self.path)
        if entry is not None:
            if self._is_active(host):
                host.run(["swapoff", "--", self.path])
            if entry.kind != "file" or (entry.size > 0 and kind_of(contents_of(host, self.path)) != "swap"):
                raise HoldsData(self.path, "something that was not made for swapping", "swap")
            host.remove(self.path)
        # Every block must be there: a file with holes, as faster ways make it, cannot be swapped to everywhere.
        zeroes = ["dd", "if=/dev/zero", f"of={self.path}", "bs=1M", f"count={self.size_mb}", "status=none"]
        try:
            host.run(zeroes, umask=0o077)
        except CommandFailed:
            host.remove(self.path)
            raise

    def _take_away(self, host: Host) -> None:
        if self._is_active(host):
            host.run(["swapoff", "--", self.path])
        if line_in(host, self._is_its) is not None:
            put_line(host, self._is_its, None)
        entry = host.entry(self.path)
        if entry is not None and entry.kind == "file":
            if kind_of(contents_of(host, self.path)) != "swap":
                raise HoldsData(self.path, "something that was not made for swapping", "nothing")
            host.remove(self.path)

    def _is_its(self, line: Line) -> bool:
        return line.fstype == "swap" and line.device == self.path

    def _is_active(self, host: Host) -> bool:
        lines = (host.read(_ACTIVE) or b"").decode(errors="replace").splitlines()[1:]
        active = {re.sub(r"\\040", " ", line.split()[0]) for line in lines if line.split()}
        if self.path in active or not active:
            return self.path in active
        return host.run(["readlink", "--canonicalize", "--", self.path], ok={0, 1}).out.strip() in active

    def _rule(self) -> Sysctl | None:
        return None if self.swappiness is None else Sysctl("vm.swappiness", value=self.swappiness)

    def _swappiness_of(self, host: Host) -> int | None:
        """The value if it is also written down, else one that nobody wants."""
        rule = self._rule()
        if rule is None:
            return None
        found = rule.current(host)
        return self.swappiness if found == rule.desired() else int((found and found.value) or -1)


swap = recipe_word(Swap)
