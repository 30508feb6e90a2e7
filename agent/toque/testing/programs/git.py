"""git of the fake machine: repositories elsewhere by their address, and working copies in the machine's files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost, Node


@dataclass
class Git:
    """`repositories` maps an address to the files of its one commit; every branch and tag is at it."""

    repositories: dict[str, Mapping[str, bytes | str]] = field(default_factory=dict)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match _words(argv):
            case ["ls-remote", "--", url, name, *_]:
                if url not in self.repositories:
                    return Ran(128, err=f"fatal: repository '{url}' not found")
                return Ran(out=f"{self.commit(url)}\t{name}\n")
            case ["rev-parse", "--verify", "--quiet", what]:
                found = host.read(f"{host.cwd}/.git/{what.removesuffix('^{commit}')}")
                return Ran(1) if found is None else Ran(out=found.decode())
            case ["config", "--local", "--get", key]:
                found = host.read(f"{host.cwd}/.git/{key}")
                return Ran(1) if found is None else Ran(out=found.decode() + "\n")
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match _words(argv):
            case ["init", *_, "--", folder]:
                host.add(f"{folder}/.git", Node("directory", mode=0o755))
            case ["config", "--local", key, value]:
                host.add(f"{host.cwd}/.git/{key}", value)
            case ["fetch", *_, "--", url, _]:
                if url not in self.repositories:
                    return Ran(128, err=f"fatal: repository '{url}' not found")
                host.add(f"{host.cwd}/.git/FETCH_HEAD", self.commit(url))
            case ["checkout", *_, commit, "--"]:
                tree = next(files for url, files in self.repositories.items() if self.commit(url) == commit)
                for name, content in tree.items():
                    host.add(f"{host.cwd}/{name}", content)
                host.add(f"{host.cwd}/.git/HEAD", commit)
            case ["submodule", "update", *_]:
                pass
            case _:
                return None
        return Ran()

    def commit(self, url: str) -> str:
        """The commit's id: another when the files are others."""
        return hashlib.sha1(repr(sorted(self.repositories[url].items())).encode()).hexdigest()


def _words(argv: list[str]) -> list[str]:
    """What is asked of git, without limits and settings; nothing for another program."""
    words = argv[2:] if argv[:1] == ["prlimit"] else argv
    if words[:1] != ["git"]:
        return []
    words = words[1:]
    while words[:1] == ["-c"]:
        words = words[2:]
    return words
