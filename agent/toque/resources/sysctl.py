"""sysctl: a switch of the kernel, now and after a boot."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, NotFound, Resource, recipe_word, resource
from toque.core.files import in_lines, lines_of

_KEY = re.compile(r"[a-z][A-Za-z0-9_]*([./][A-Za-z0-9_:@-]+([.][A-Za-z0-9_:@-]+)*)+")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.conf")
_FOLDER = "/etc/sysctl.d"


@dataclass(frozen=True)
class SysctlState:
    value: str | None
    """What the kernel says."""
    saved: str | None = None
    """What the file says; it is loaded when the machine boots."""


@resource("sysctl")
@dataclass(frozen=True)
class Sysctl(Resource[SysctlState]):
    """Keep a switch of the kernel at a value, at once and after a boot.

    key           "net.ipv4.ip_forward"; where a part has dots itself, with slashes: "net/ipv4/conf/eth0.7/forwarding"
    value         a number or text; several numbers with blanks between: "4096 87380 6291456"
    file          the file of /etc/sysctl.d that keeps it; other lines of it are left alone
    now           False only writes it down, for the next boot
    ignore_error  this kernel may lack the key or refuse the value, which is then tried only when it is written down
    present       False takes its line out of the file; the running value stays until the machine boots

        sysctl("net.core.somaxconn", value=4096)
        sysctl("net.ipv4.tcp_rmem", value="4096 131072 6291456", file="60-network.conf")
    """

    key: str
    _: KW_ONLY
    value: int | str | None = None
    file: str = "99-toque.conf"
    now: bool = True
    ignore_error: bool = False
    present: bool = True

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise BadProperty(f"sysctl key must look like net.ipv4.ip_forward, got {self.key!r}")
        if not _FILE.fullmatch(self.file):
            raise BadProperty(f"sysctl file must be a name that ends in .conf, without a folder, got {self.file!r}")
        if self.present and (self.value is None or not self._value()):
            raise BadProperty(f"sysctl needs a value for {self.key}")
        if isinstance(self.value, str) and not self.value.replace("\t", " ").isprintable():
            raise BadProperty(f"sysctl value must be one line, got {self.value!r}")

    def desired(self) -> SysctlState | None:
        if not self.present:
            return None
        return SysctlState(self._value() if self.now else None, self._value())

    def current(self, host: Host) -> SysctlState | None:
        saved = self._saved(host)
        if not self.present:
            return None if saved is None else SysctlState(None, saved)
        if not self.now or (self.ignore_error and saved == self._value()):
            return SysctlState(self._value(), saved)
        found = host.read(self._place())
        return SysctlState(None if found is None else _tidy(found.decode(errors="replace")), saved)

    def apply(self, host: Host, change: Change[SysctlState]) -> None:
        if change.want is None:
            self._write(host, None)
            return
        if "value" in change:
            self._set(host)
        if "saved" in change:
            self._write(host, self._value())

    def _set(self, host: Host) -> None:
        if host.entry(self._place()) is None:
            if self.ignore_error:
                return
            near = host.names_in(self._place().rpartition("/")[0])
            raise NotFound(f"switch of this kernel {self.key}, and in its group none called", self._last(), near)
        codes = range(256) if self.ignore_error else (0,)
        host.run(["sysctl", "--quiet", "--write", f"{self.key}={self._value()}"], ok=codes)

    def _value(self) -> str:
        return _tidy(str(self.value)) if self.value is not None else ""

    def _place(self) -> str:
        return f"/proc/sys/{'/'.join(_parts(self.key))}"

    def _last(self) -> str:
        return _parts(self.key)[-1]

    def _saved(self, host: Host) -> str | None:
        """The value in the file, the last one where it has several."""
        found = None
        for line in self._lines(host):
            said = _setting(line)
            if said is not None and said[0] == _parts(self.key):
                found = said[1]
        return found

    def _write(self, host: Host, value: str | None) -> None:
        kept = []
        for line in self._lines(host):
            said = _setting(line)
            if said is None or said[0] != _parts(self.key):
                kept.append(line)
        if value is not None:
            kept.append(f"{'-' if self.ignore_error else ''}{self.key} = {value}")
        path = f"{_FOLDER}/{self.file}"
        if not kept:
            host.remove(path)
            return
        if host.entry(_FOLDER) is None:
            host.make_directory(_FOLDER, mode=0o755)
        host.write(path, in_lines(kept))

    def _lines(self, host: Host) -> list[str]:
        return lines_of(host.read(f"{_FOLDER}/{self.file}"))


def _parts(key: str) -> tuple[str, ...]:
    """A key's parts, by the separator that it names first (sysctl.d(5))."""
    first = min(("/", "."), key=lambda mark: key.find(mark) % (len(key) + 1))
    return tuple(key.split(first))


def _setting(line: str) -> tuple[tuple[str, ...], str] | None:
    key, equals, value = line.strip().removeprefix("-").partition("=")
    if not equals or key.startswith(("#", ";")):
        return None
    return _parts(key.strip()), _tidy(value)


def _tidy(value: str) -> str:
    """The kernel puts tabs between numbers, people put blanks."""
    return " ".join(value.split())


sysctl = recipe_word(Sysctl)
