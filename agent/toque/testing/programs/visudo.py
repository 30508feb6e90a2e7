"""visudo of the fake machine: it knows the shapes of lines and a few options, and lets unknown aliases be."""

from __future__ import annotations

import re

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost, Node

_ALIAS = re.compile(r"(User|Cmnd|Host|Runas)_Alias ([A-Z][A-Z0-9_]*) = \S.*")
_DEFAULTS = re.compile(r"Defaults:[^ ]+(?:, [^ ]+)* !?([a-z_]+).*")
_RULE = re.compile(
    r"%?[\w.-]+\$?(, %?[\w.-]+\$?)* (\S+)=\([^\s:]*(:[^\s:]+)?\) ([A-Z]+:)*((/|!|ALL|sha|sudoedit|[A-Z]).*)"
)
_OPTIONS = {"requiretty", "env_keep", "timestamp_timeout", "lecture", "secure_path", "env_reset"}


class Visudo:
    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["visudo", "-c", "-q", "-f", path]:
                lines = (host.read(path) or b"").decode().splitlines()
                wrong = [number for number, line in enumerate(lines, 1) if not self._good(line)]
                if wrong:
                    return Ran(1, err=f"{path}:{wrong[0]}:1: syntax error\n{lines[wrong[0] - 1]}\n^")
                return Ran()
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        return None

    def _good(self, line: str) -> bool:
        if found := _DEFAULTS.fullmatch(line):
            return found[1] in _OPTIONS
        return bool(_RULE.fullmatch(line) or _ALIAS.fullmatch(line))


def with_sudo(files: dict[str, bytes | str | Node] | None = None) -> FakeHost:
    """A machine on which sudo is installed."""
    host = FakeHost(files=files or {}, programs=[Visudo()], paths=["/usr/sbin/visudo"])
    host.add("/etc/sudoers.d", Node("directory", mode=0o750))
    return host
