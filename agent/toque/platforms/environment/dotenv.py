"""dotenv files: only what python-dotenv, Node, Ruby and Docker Compose read alike."""

from __future__ import annotations

import re

from toque.platforms.environment import CannotWrite

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")


def quoted(name: str, value: str) -> str:
    """Single quotes take everything but themselves; line ends need double ones, in which less is allowed."""
    if _PLAIN.fullmatch(value):
        return value
    if not re.search(r"['\n\r]", value) and "\\'" not in value and "\\\\" not in value and not value.endswith("\\"):
        return f"'{value}'"
    if not re.search(r'["\\$`\r]', value):
        return '"' + value.replace("\n", "\\n") + '"'
    raise CannotWrite(
        f"the value of {name} has quotes, line ends, $ or backslashes together in a way that readers of dotenv files do"
        ' not read alike: leave some out, encode it (base64), or use format="systemd"'
    )
