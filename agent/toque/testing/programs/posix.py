"""The small programs that every machine has, as far as resources and guards ask them: test, cp, chown, chmod, mkdir."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost, Node


@dataclass
class Posix:
    """Nothing to remember: all of it stands in the machine's files."""

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["test", flag, path] | ["[", flag, path, "]"] if flag in _TESTS:
                return Ran(code=0 if _TESTS[flag](self._followed(path, host)) else 1)
            case ["test", "-L" | "-h", path] | ["[", "-L" | "-h", path, "]"]:
                found = host.nodes.get(path)
                return Ran(code=0 if found is not None and found.kind == "link" else 1)
            case ["cat", "--", path] | ["cat", path]:
                content = host.read(path)
                if content is None:
                    return Ran(code=1, err=f"cat: {path}: No such file or directory")
                return Ran(out=content.decode(errors="replace"))
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["mktemp", "-d", template]:
                made = template.rstrip("X") + "made1"
                host.add(made, Node("directory", mode=0o700))
                return Ran(out=f"{made}\n")
            case ["cp", "-a", "--", source, target]:
                return self._copy(source, target, host)
            case ["chown", *options, owner, "--", path] if set(options) <= {"-R", "-h"}:
                return self._own(owner, path, "-R" in options, host)
        return None

    def _followed(self, path: str, host: FakeHost) -> Node | None:
        found = host.nodes.get(path)
        for _ in range(8):
            if found is None or found.kind != "link":
                return found
            path = found.to if found.to.startswith("/") else f"{path.rpartition('/')[0]}/{found.to}"
            found = host.nodes.get(path)
        return None

    def _copy(self, source: str, target: str, host: FakeHost) -> Ran:
        if source not in host.nodes:
            return Ran(code=1, err=f"cp: cannot stat '{source}': No such file or directory")
        for path in _tree(source, host):
            host.nodes[target + path[len(source) :]] = replace(host.nodes[path])
        return Ran()

    def _own(self, owner: str, path: str, everything: bool, host: FakeHost) -> Ran:
        user, _, group = owner.partition(":")
        uid, gid = host.uid_of(user) if user else None, host.gid_of(group) if group else None
        if (user and uid is None) or (group and gid is None):
            return Ran(code=1, err=f"chown: invalid user: '{owner}'")
        for each in _tree(path, host) if everything else [path]:
            node = host.nodes[each]
            node.uid, node.gid = node.uid if uid is None else uid, node.gid if gid is None else gid
        return Ran()


def _tree(path: str, host: FakeHost) -> list[str]:
    return [each for each in host.nodes if each == path or each.startswith(f"{path}/")]


_TESTS: dict[str, Callable[[Node | None], bool]] = {
    "-e": lambda node: node is not None,
    "-f": lambda node: node is not None and node.kind == "file",
    "-d": lambda node: node is not None and node.kind == "directory",
    "-s": lambda node: node is not None and node.kind == "file" and node.content != b"",
    "-r": lambda node: node is not None,
    "-x": lambda node: node is not None and node.mode & 0o111 != 0,
}
