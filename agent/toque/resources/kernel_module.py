"""kernel_module: a module of the kernel, now and after a boot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.files import HEAD

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_OPTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_HEAD = f"# {HEAD}\n"


@dataclass(frozen=True)
class KernelModuleState:
    loaded: bool | None
    persistent: bool | None = None
    """Whether /etc/modules-load.d has it."""
    modprobe: str | None = None
    """Its lines in /etc/modprobe.d: options and blacklist."""


@resource("kernel_module")
@dataclass(frozen=True)
class KernelModule(Resource[KernelModuleState]):
    """Keep a module of the kernel loaded (or not), now and after a boot; None is left alone.

    name         as modprobe knows it
    loaded       True, False, or None: not managed. What is built into the kernel counts as loaded
    persistent   whether it is loaded when the machine boots
    blacklisted  True: never loaded by itself for a device; who names it still gets it
    options      its parameters, which hold from when it is loaded next; {} for none
    present      False unloads it and removes what is written down about it

    Kept in /etc/modules-load.d/toque-NAME.conf and /etc/modprobe.d/toque-NAME.conf.

        kernel_module("br_netfilter", persistent=True)
        kernel_module("nf_conntrack", loaded=None, options={"hashsize": "65536"})
        kernel_module("floppy", loaded=False, blacklisted=True)
    """

    name: str
    _: KW_ONLY
    loaded: bool | None = True
    persistent: bool | None = None
    blacklisted: bool | None = None
    options: Mapping[str, str] | None = None
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProperty(f"kernel_module name must be letters, digits, _ and -, got {self.name!r}")
        for name, value in (self.options or {}).items():
            fits = isinstance(value, str) and value and value.isprintable() and not re.search(r"[\s#\"'\\]", value)
            if not isinstance(name, str) or not _OPTION.fullmatch(name) or not fits:
                raise BadProperty(
                    'kernel_module options must map names to text without blanks, e.g. {"hashsize": "65536"}, '
                    f"got {name!r}: {value!r}"
                )
        if self.loaded is False and self.persistent:
            raise BadProperty(f"kernel_module {self.name} cannot be persistent and not loaded: leave one of them out")

    def desired(self) -> KernelModuleState | None:
        if not self.present:
            return None
        managed = self.options is not None or self.blacklisted is not None
        return KernelModuleState(self.loaded, self.persistent, self._wanted_lines() if managed else None)

    def current(self, host: Host) -> KernelModuleState | None:
        loaded = self._is_loaded(host)
        saved, lines = host.read(self._load_file()), host.read(self._modprobe_file())
        if not self.present and saved is None and lines is None and not (loaded and self._can_go(host)):
            return None
        return KernelModuleState(loaded, saved is not None, self._managed_lines(lines))

    def apply(self, host: Host, change: Change[KernelModuleState]) -> None:
        if change.want is None:
            host.remove(self._load_file())
            host.remove(self._modprobe_file())
            if self._is_loaded(host) and self._can_go(host):
                host.run(["modprobe", "--remove", "--", self.name])
            return
        # First what is written down: options hold from when it is loaded.
        if "modprobe" in change:
            self._put(host, self._modprobe_file(), self._all_lines(host))
        if "persistent" in change:
            self._put(host, self._load_file(), f"{self.name}\n" if self.persistent else "")
        if "loaded" in change:
            self._load(host)

    def _load(self, host: Host) -> None:
        if self.loaded:
            host.run(["modprobe", "--", self.name])
        elif not self._can_go(host):
            raise ToqueError(f"{self.name} is built into this kernel and cannot be unloaded: leave out loaded=False")
        else:
            host.run(["modprobe", "--remove", "--", self.name])

    def _is_loaded(self, host: Host) -> bool:
        return host.entry(self._folder()) is not None

    def _can_go(self, host: Host) -> bool:
        """What was loaded has a state of its own; what is built in has none."""
        return host.entry(f"{self._folder()}/initstate") is not None

    def _folder(self) -> str:
        return f"/sys/module/{self.name.replace('-', '_')}"

    def _load_file(self) -> str:
        return f"/etc/modules-load.d/toque-{self.name}.conf"

    def _modprobe_file(self) -> str:
        return f"/etc/modprobe.d/toque-{self.name}.conf"

    def _options_line(self) -> str:
        pairs = " ".join(f"{name}={value}" for name, value in sorted((self.options or {}).items()))
        return f"options {self.name} {pairs}\n" if pairs else ""

    def _blacklist_line(self) -> str:
        return f"blacklist {self.name}\n" if self.blacklisted else ""

    def _wanted_lines(self) -> str:
        return self._options_line() + self._blacklist_line()

    def _managed_lines(self, content: bytes | None) -> str:
        """Of the lines that stand, those of which the recipe says something."""
        lines = (content or b"").decode(errors="replace").splitlines(keepends=True)
        kinds = {"options": self.options is not None, "blacklist": self.blacklisted is not None}
        return "".join(line for line in lines if kinds.get(line.split(" ")[0], False))

    def _all_lines(self, host: Host) -> str:
        """What shall stand: the recipe's lines, and those of which it says nothing."""
        lines = (host.read(self._modprobe_file()) or b"").decode(errors="replace").splitlines(keepends=True)
        options = self._options_line() if self.options is not None else "".join(_starting(lines, "options "))
        blacklist = self._blacklist_line() if self.blacklisted is not None else "".join(_starting(lines, "blacklist "))
        return options + blacklist

    def _put(self, host: Host, path: str, text: str) -> None:
        if not text:
            host.remove(path)
            return
        folder = path.rpartition("/")[0]
        if host.entry(folder) is None:
            host.make_directory(folder, mode=0o755)
        host.write(path, f"{_HEAD}{text}".encode())


def _starting(lines: list[str], beginning: str) -> list[str]:
    return [line for line in lines if line.startswith(beginning)]


kernel_module = recipe_word(KernelModule)
