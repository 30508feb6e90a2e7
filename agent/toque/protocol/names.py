"""The one grammar of names that may become part of a path, a command or a file (S22)."""

from __future__ import annotations

import re
from typing import Final

CLEANUP: Final = "toque::cleanup"
"""The recipe that is the last step of every run. It runs also where a step before it failed (chapter 04, E-7)."""

SOMETHING_TO_DO: Final = "something_to_do"
"""Reason of a plan's result that succeeded and has found something that the recipes would change."""

_COOKBOOK: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_APP: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}", re.ASCII)
_FILE: Final = re.compile(r"[A-Za-z0-9_.@+-][A-Za-z0-9_.@+ -]{0,254}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


class BadName(ValueError):
    """A name is outside the grammar; the message says which and what is allowed."""


def check_cookbook_name(text: str) -> str:
    """A cookbook, or one half of a recipe's name: a small letter, then small letters, digits, `_` and `-`."""
    return _checked(_COOKBOOK, text, "cookbook", "a small letter, then up to 63 of a-z 0-9 _ -")


def check_recipe_name(text: str) -> tuple[str, str]:
    """The cookbook and the recipe of `cookbook::recipe`; without a second part it is `default`.

    check_recipe_name("haproxy") == ("haproxy", "default")
    """
    cookbook, colons, recipe = text.partition("::")
    allowed = "cookbook::recipe, each a small letter, then up to 63 of a-z 0-9 _ -"
    if not colons:
        recipe = "default"
    if _COOKBOOK.fullmatch(cookbook) is None or _COOKBOOK.fullmatch(recipe) is None:
        raise BadName(f"{_shown(text)} is no name of a recipe: {allowed}")
    return cookbook, recipe


def check_host_name(text: str) -> str:
    """One label of a host name: letters, digits and inner hyphens, at most 63."""
    return _checked(_HOST, text, "host", "letters, digits and inner hyphens, at most 63")


def check_app_name(text: str) -> str:
    """An app's short name, which is a directory on the node."""
    return _checked(_APP, text, "app", "up to 64 of a-z 0-9 _ -, not beginning with -")


def check_file_name(text: str) -> str:
    """One component of a path: never empty, `.` or `..`, never with a slash."""
    if text in {".", ".."} or text.startswith("-"):
        raise BadName(f"{_shown(text)} is no name of a file")
    return _checked(_FILE, text, "file", "up to 255 letters, digits, blanks and _ . @ + -")


def check_id(text: str) -> str:
    """An id of an installation, a key, a token, an instance or a command."""
    return _checked(_ID, text, "thing", "up to 64 letters, digits and hyphens")


def _checked(grammar: re.Pattern[str], text: str, kind: str, allowed: str) -> str:
    if grammar.fullmatch(text) is None:
        raise BadName(f"{_shown(text)} is no name of a {kind}: {allowed}")
    return text


def _shown(text: str) -> str:
    return ascii(text[:80])
