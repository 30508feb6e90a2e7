"""How deep values may nest: what is deeper is no data of anybody's, and ends in the limits of some reader's stack."""

from __future__ import annotations

from itertools import chain
from typing import Any, Final

DEEPEST: Final = 100
"""Objects and lists within one another in what users send, the outermost counted."""


def is_deeper(value: Any, levels: int = DEEPEST) -> bool:
    """Whether objects and lists nest deeper than that. It asks level by level, so the value may be any depth.

    >>> is_deeper([[1]], 1), is_deeper([[1]], 2)
    (True, False)
    """
    here = [value]
    for _ in range(levels):
        inside = (each.values() if isinstance(each, dict) else each for each in here if isinstance(each, dict | list))
        here = list(chain.from_iterable(inside))
    return any(isinstance(each, dict | list) for each in here)
