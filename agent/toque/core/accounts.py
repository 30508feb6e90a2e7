"""The grammar of names of users and groups, so that no name can be an option or a second field of a file."""

from __future__ import annotations

import re

from toque.core.errors import BadProperty

# What useradd of Debian and of the RPM family both take.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}\$?")


def check_name(word: str, name: str) -> None:
    """Refuse what is not a name of a user or group on Linux."""
    if not _NAME.fullmatch(name):
        raise BadProperty(
            f"{word} name must be 1 to 32 letters, digits, dots, hyphens or underscores and begin with a letter, "
            f"got {name!r}"
        )
