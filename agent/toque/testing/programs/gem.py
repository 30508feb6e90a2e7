"""gem and bundle of the fake machine: gems are files in a folder, a project's settings in its .bundle/config."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost

_GEMS = "/var/lib/gems/specifications"


@dataclass
class Gem:
    """`archive` has the versions of each gem, the newest first; what it does not name comes as 1.0.

    Of ranges it knows `~> N.M` and `>= N`. A Gemfile names a gem a line: `gem "rake"`, or `gem "rspec", group: :test`.
    """

    archive: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        if not _is_ours(argv):
            return None
        match argv:
            case [_, "list", "--local", "--exact", name, "--installed", "--version", wanted]:
                return Ran(code=0 if any(_fits(each, wanted) for each in self._there(name, host)) else 1)
            case [_, "list", "--local", "--exact", name]:
                there = self._there(name, host)
                return Ran(out=f"{name} ({', '.join(there)})\n" if there else "")
            case [_, "list", "--remote", "--exact", name, *words]:
                wanted = words[1] if words[:1] == ["--version"] else ""
                found = [each for each in self.archive.get(name, ("1.0",)) if _fits(each, wanted)]
                return Ran(out=f"{name} ({found[0]})\n" if found else "")
            case [_, "check"] if argv[0].endswith("bundle"):
                return Ran(code=0 if all(self._there(name, host) for name in self._named(host)) else 1)
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        if not _is_ours(argv):
            return None
        match argv:
            case [_, "install", "--no-document", *words]:
                return self._install(words, host)
            case [_, "uninstall", "--all", "--executables", *words]:
                wanted = words[1] if words[:1] == ["--version"] else ""
                for each in self._there(words[-1], host):
                    if _fits(each, wanted) and not each.startswith("default"):
                        host.discard(f"{_GEMS}/{words[-1]}-{each}.gemspec")
            case [_, "config", "set", "--local", name, value]:
                self._set(host, name, value)
            case [_, "config", "unset", "--local", name]:
                self._set(host, name, "")
            case [_, "install", "--quiet", *_] if argv[0].endswith("bundle"):
                for name in self._named(host):
                    host.add(f"{_GEMS}/{name}-{self.archive.get(name, ('1.0',))[0]}.gemspec", b"")
            case _:
                return None
        return Ran()

    def _install(self, words: list[str], host: FakeHost) -> Ran:
        if words[-2:-1] == ["--local"]:
            host.add(f"{_GEMS}/{words[-1].rpartition('/')[2].removesuffix('.gem')}.gemspec", b"")
            return Ran()
        wanted = words.pop() if words[-2:-1] == ["--version"] else ""
        name = words[-2] if words[-1] == "--version" else words[-1]
        found = [each for each in self.archive.get(name, ("1.0",)) if _fits(each, wanted)]
        if not found:
            return Ran(2, err=f"ERROR:  Could not find a valid gem '{name}' ({wanted}) in any repository")
        host.add(f"{_GEMS}/{name}-{found[0]}.gemspec", b"")
        return Ran()

    def _there(self, name: str, host: FakeHost) -> list[str]:
        start = f"{name}-"
        names = (each.removesuffix(".gemspec") for each in host.names_in(_GEMS))
        return sorted((each.removeprefix(start) for each in names if each.startswith(start)), reverse=True)

    def _named(self, host: FakeHost) -> list[str]:
        """The gems that a Gemfile names, without the groups that are left out."""
        config = (host.read(f"{host.cwd}/.bundle/config") or b"").decode()
        left_out = re.findall(r"[a-z]+", next((line for line in config.splitlines() if "WITHOUT" in line), ""))
        text = (host.read(f"{host.cwd}/Gemfile") or b"").decode()
        found = re.findall(r'gem "([a-z-]+)"(?:, group: :([a-z]+))?', text)
        return [name for name, group in found if group not in left_out or not group]

    def _set(self, host: FakeHost, name: str, value: str) -> None:
        path, key = f"{host.cwd}/.bundle/config", f"BUNDLE_{name.upper()}"
        old = (host.read(path) or b"---\n").decode().splitlines()
        kept = [line for line in old if not line.startswith(f"{key}:")]
        host.add(path, "\n".join([*kept, *([f'{key}: "{value}"'] if value else []), ""]))


def _is_ours(argv: list[str]) -> bool:
    return argv[0].rpartition("/")[2].startswith(("gem", "bundle"))


def _fits(version: str, wanted: str) -> bool:
    number = version.removeprefix("default: ")
    if wanted.startswith("~> "):
        return number.startswith(wanted[3:].rpartition(".")[0] + ".")
    if wanted.startswith(">= "):
        return [int(part) for part in number.split(".")] >= [int(part) for part in wanted[3:].split(".")]
    return wanted in ("", number)
