"""svn of the fake machine: repositories elsewhere by their address, and working copies in the machine's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost


@dataclass
class Svn:
    """`repositories` maps an address to its revisions, the first is 1: each the files as they were then."""

    repositories: dict[str, Sequence[Mapping[str, bytes | str]]] = field(default_factory=dict)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match _words(argv):
            case ["info", "--show-item", item, "--no-newline", "--", target] if "://" in target:
                url, _, _ = target.rpartition("@")
                return Ran(out=str(self._changed(url, len(self.repositories[url])))) if self._has(url) else _none(url)
            case ["info", "--show-item", item, "--no-newline", "--", target]:
                note = (host.read(f"{target}/.svn/wc.db") or b"").decode()
                revision, _, url = note.partition(" ")
                changed = str(self._changed(url, int(revision))) if self._has(url) else revision
                return Ran(out={"url": url, "revision": revision}.get(item, changed))
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match _words(argv):
            case ["revert", *_]:
                return Ran()
            case [("checkout" | "switch" | "export") as verb, *_, source, target]:
                url, _, revision = source.rpartition("@")
                if not self._has(url) or int(revision) > len(self.repositories[url]):
                    return _none(url)
                folder = target
                for name, content in self.repositories[url][int(revision) - 1].items():
                    host.add(f"{folder}/{name}", content)
                if verb != "export":
                    host.add(f"{folder}/.svn/wc.db", f"{revision} {url}")
                return Ran()
        return None

    def _has(self, url: str) -> bool:
        return url in self.repositories

    def _changed(self, url: str, revision: int) -> int:
        """The revision that last changed anything, seen from this one."""
        versions = self.repositories[url]
        while revision > 1 and versions[revision - 1] == versions[revision - 2]:
            revision -= 1
        return revision


def _none(url: str) -> Ran:
    return Ran(1, err=f"svn: E170013: Unable to connect to a repository at URL '{url}'")


def _words(argv: list[str]) -> list[str]:
    """What is asked of svn, without limits and how to get in; nothing for another program."""
    words = argv[2:] if argv[:1] == ["prlimit"] else argv
    if words[:1] != ["svn"]:
        return []
    verb, rest = words[1], words[2:]
    for option, values in (
        ("--non-interactive", 0),
        ("--no-auth-cache", 0),
        ("--config-dir", 1),
        ("--username", 1),
        ("--password-from-stdin", 0),
    ):
        if rest[:1] == [option]:
            rest = rest[1 + values :]
    return [verb, *rest]
