"""Tags: labels of a stack or a layer, which layers and instances inherit (chapter 08 § 11).

A stack's tags hold for its layers. A layer may give an inherited key another value, and cannot remove it. An instance
has the stack's tags and over them those of its layers, the later in `LayerIds` going before the earlier, as attributes
do; a recipe reads them as `node["tags"]`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from toque_server.domain.invalid import Invalid

LIMIT: Final = 40
"""Most tags that a resource has, inherited ones included."""

LONGEST_KEY: Final = 127
LONGEST_VALUE: Final = 255
RESERVED: Final = ("aws:", "opsworks:", "rds:")

_SIGNS: Final = frozenset("+-=._:/")
_ALLOWED: Final = "letters, digits, blanks and + - = . _ : /"


def cleaned(sent: Mapping[str, str]) -> dict[str, str]:
    """The tags as they are stored, without blanks around keys and values. Raises Invalid for one that may not be.

    >>> cleaned({" Stage ": "Production "})
    {'Stage': 'Production'}
    """
    tags: dict[str, str] = {}
    for raw, text in sent.items():
        key, value = raw.strip(), text.strip()
        _check_key(key)
        if key in tags:
            raise Invalid(f"Tags: the key {key!r} stands there twice, with and without blanks around it")
        if len(value) > LONGEST_VALUE or not _is_plain(value):
            raise Invalid(
                f"Tags: the value of {key!r} is not allowed: at most {LONGEST_VALUE} {_ALLOWED}, not {len(value)}"
                " characters of any kind"
            )
        tags[key] = value
    return tags


def effective(inherited: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """What holds for a layer: the stack's tags, and over them its own."""
    return {**inherited, **own}


def check_number(tags: Mapping[str, str], *, of: str) -> None:
    """Raise Invalid for more tags than a resource can have; `of` says which resource, in words."""
    if len(tags) > LIMIT:
        raise Invalid(
            f"Tags: {of} would have {len(tags)} tags, inherited ones included, and {LIMIT} is the most:"
            " please remove some first"
        )


def without(own: Mapping[str, str], keys: Iterable[str], *, inherited: Mapping[str, str]) -> dict[str, str]:
    """`own` without these keys; one that is not there is no error. A layer's own value gives way to the inherited one.

    Raises Invalid for a key that is inherited only.
    """
    gone = {key.strip() for key in keys}
    for key in sorted(gone):
        if key in inherited and key not in own:
            raise Invalid(f"TagKeys: {key!r} is inherited from the stack: please remove it there")
    return {key: value for key, value in own.items() if key not in gone}


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= LONGEST_KEY or not _is_plain(key):
        raise Invalid(f"Tags: the key {key[:80]!r} is not allowed: 1 to {LONGEST_KEY} {_ALLOWED}")
    if key.lower().startswith(RESERVED):
        raise Invalid(f"Tags: the key {key!r} is not allowed: those that begin with {', '.join(RESERVED)} are reserved")
    if key in ("Name", "name"):
        raise Invalid(f"Tags: the key {key!r} is not allowed: the name of a stack or layer is its Name")


def _is_plain(text: str) -> bool:
    return all(sign in _SIGNS or unicodedata.category(sign)[0] in "LNZ" for sign in text)
