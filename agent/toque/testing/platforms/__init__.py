"""What machines of a platform say of themselves: one JSON file each, recorded by `record.py` or written from documents.

A new one is a file here: `python -m toque.testing.platforms.record >NAME.json` on such a machine. `origin` says where
it comes from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from toque.core.errors import NotFound

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recorded:
    """A platform: its facts by name, its os-release, its accounts and where its programs are."""

    origin: str
    facts: dict[str, dict[str, Any]]
    os_release: str
    users: dict[str, tuple[int, int, str, str]]
    """Name → number, number of the group, home, shell."""
    groups: dict[str, int]
    programs: tuple[str, ...]


def names() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


@cache
def recorded(name: str) -> Recorded:
    """A platform by name, e.g. `debian-12`; raises NotFound with the names there are."""
    path = _FOLDER / f"{name}.json"
    if name not in names():
        raise NotFound("recorded platform", name, names())
    data = json.loads(path.read_text(encoding="utf-8"))
    users = {user: (row[0], row[1], row[2], row[3]) for user, row in data["users"].items()}
    release = "".join(f"{line}\n" for line in data["os_release"])
    return Recorded(data["origin"], data["facts"], release, users, data["groups"], tuple(data["programs"]))
