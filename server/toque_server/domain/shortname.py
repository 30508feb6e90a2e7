"""Short names: what apps, layers and stacks are called in directories, attributes and log groups."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from itertools import count

from toque_server.domain.invalid import Invalid

_APP = re.compile(r"[a-z0-9][a-z0-9_-]{0,199}")
_LAYER = re.compile(r"[a-z0-9._-]{1,32}")


def app_shortname(name: str, taken: Container[str]) -> str:
    """The short name made from an app's name (chapter 05 § 1.3).

    >>> app_shortname("IIS-Example-App", taken=())
    'iis_example_app'
    """
    joined = re.sub(r"[\s-]+", "_", name.lower())
    base = re.sub(r"[^a-z0-9_]", "", joined).strip("_")[:190] or "app"
    return next(each for each in _numbered(base, "_") if each not in taken)


def check_app_shortname(shortname: str) -> None:
    if not _APP.fullmatch(shortname):
        raise Invalid(
            f"Shortname {shortname!r} is not allowed: it starts with a lower-case letter or a digit, goes on with"
            " letters, digits, '_' and '-', and has at most 200 characters"
        )


def check_layer_shortname(shortname: str) -> None:
    # "." and ".." would pass the pattern, and short names become directories.
    if not _LAYER.fullmatch(shortname) or set(shortname) == {"."}:
        raise Invalid(
            f"Shortname {shortname!r} is not allowed: 1 to 32 of lower-case letters, digits, '-', '_' and '.'"
        )


def stack_slug(name: str, taken: Container[str]) -> str:
    """The stack's internal name, made once from its first name (S-3).

    >>> stack_slug("My Stack", taken={"my-stack"})
    'my-stack-2'
    """
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64] or "stack"
    return next(each for each in _numbered(base, "-") if each not in taken)


def _numbered(base: str, joint: str) -> Iterator[str]:
    yield base
    yield from (f"{base}{joint}{number}" for number in count(2))
