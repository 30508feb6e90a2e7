"""The programs with which files are handled as another user (cat, tee, mv, mkdir, chmod, rm), in the forms we use."""

from __future__ import annotations

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost, Node


class OwnFiles:
    """Whoever acts owns what he makes, and may read what is his or open to all."""

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["cat", "--", path]:
                node = host.nodes.get(path)
                if node is None or node.kind != "file":
                    return Ran(1, err=f"cat: {path}: No such file or directory")
                if node.uid != self._uid(host) and not node.mode & 0o004:
                    return Ran(1, err=f"cat: {path}: Permission denied")
                return Ran(out=node.content.decode())
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["mkdir", "-p", "-m", mode, "--", path]:
                host.add(path, Node("directory", mode=int(mode, 8), uid=self._uid(host)))
            case ["tee", "--", path]:
                host.add(path, Node(content=(host.inputs[-1] or "").encode(), mode=0o600, uid=self._uid(host)))
            case ["chmod", mode, "--", path]:
                host.nodes[path].mode = int(mode, 8)
            case ["mv", "-f", "-T", "--", path, to]:
                host.nodes[to] = host.nodes.pop(path)
            case ["rm", "-f", "--", path]:
                host.nodes.pop(path, None)
            case _:
                return None
        return Ran()

    def _uid(self, host: FakeHost) -> int:
        return host.uid_of(host.acting or "root") or 0
