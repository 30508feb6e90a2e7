"""What settings the cookbooks of a bundle take, read from their settings.py and never by running it (S21)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from toque.cookbook.layout import find_cookbooks
from toque.cookbook.settings_schema import Schema, UnreadableSettings, parse_settings, read_settings

_REMEMBERED = 64


def of_bundle(contents: Mapping[str, Any], names: Collection[str] | None = None) -> dict[str, Schema]:
    """By cookbook: those that have a settings.py we can read; with `names` of these alone.

    A cookbook with one that cannot be read takes what it is given, here; a node says what is wrong with it.
    """
    found: dict[str, Schema] = {}
    for name, about in contents.items():
        text = about.get("settings")
        if text and (names is None or name in names) and (schema := _parsed(text, name)) is not None:
            found[name] = schema
    return found


def of_shipped(folder: Path, names: Collection[str]) -> dict[str, Schema]:
    """The same of the named cookbooks that come with Toque."""
    roots = {name: root for name, root in find_cookbooks(folder).items() if name in names}
    return {name: schema for name, root in roots.items() if (schema := read_settings(root, name)) is not None}


@lru_cache(_REMEMBERED)
def _parsed(text: str, name: str) -> Schema | None:
    try:
        return parse_settings(text, name)
    except UnreadableSettings:
        return None
