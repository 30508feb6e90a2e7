"""The versions that a recipe asks for: one, a pattern such as `1.22.*`, or a range such as `>= 1.22, < 2`."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

_CLAUSE = re.compile(r"(>=|<=|!=|==|=|>|<)? *([A-Za-z0-9][A-Za-z0-9.+:~^_*-]*)")

Compare = Callable[[str, str], int]


def is_range(text: str) -> bool:
    """Whether it can be understood."""
    return all(_CLAUSE.fullmatch(clause.strip()) for clause in text.split(","))


def fits(version: str, text: str, compare: Compare) -> bool:
    """Whether a version is one that the text asks for."""
    return all(_fits(version, clause.strip(), compare) for clause in text.split(","))


def _fits(version: str, clause: str, compare: Compare) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        return False
    sign, bound = match[1] or "=", match[2]
    if sign in ("=", "=="):
        return fnmatchcase(version, bound) or fnmatchcase(_as_exact_as(bound, version), bound)
    order = compare(_as_exact_as(bound, version), bound)
    return {">": order > 0, ">=": order >= 0, "<": order < 0, "<=": order <= 0, "!=": order != 0}[sign]


def _as_exact_as(bound: str, version: str) -> str:
    """The version without what the bound does not say: the epoch `1:`, and the packaging's own number `-9`."""
    if ":" not in bound:
        version = version.partition(":")[2] or version
    if "-" not in bound and "-" in version:
        version = version.rpartition("-")[0]
    return version
