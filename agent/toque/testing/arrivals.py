"""What a package brings beside itself: services, folders, files, programs and accounts.

What is known of common packages stands in `packages.json`, after the file lists of Debian's packages. A test says more:
`fake_node(brings={"shop": {"services": ["shop"], "folders": ["/etc/shop"]}})`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from toque.core.errors import did_you_mean


class Brought(TypedDict, total=False):
    """Names of services, users and groups; paths of folders and programs; files with their content."""

    services: list[str]
    folders: list[str]
    files: dict[str, str]
    programs: list[str]
    users: list[str]
    groups: list[str]


@cache
def known() -> dict[str, Brought]:
    found: dict[str, Brought] = json.loads(Path(__file__).with_name("packages.json").read_text(encoding="utf-8"))
    return found


def check(brings: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what is no part of a package."""
    parts = Brought.__annotations__
    for name, package in brings.items():
        for part in package:
            if part not in parts:
                raise ValueError(f"brings={{{name!r}: …}} has no {part!r}{did_you_mean(part, parts)}")
