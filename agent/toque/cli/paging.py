"""Operations that answer page by page: one merged list for the caller (chapter 09 § 9)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

TOKEN: Final = "NextToken"
LIMIT: Final = "MaxResults"
OPTIONS: Final[Mapping[str, str]] = {
    "starting-token": "where an earlier call with --max-items ended",
    "page-size": "how many records to ask for at once",
    "max-items": "how many records to print at most",
}
# It has the members, and in AWS's model no paginator; the server refuses them (chapter 08 § 11).
_NOT_PAGED: Final = frozenset({"ListTags"})


class BadToken(ValueError):
    """A --starting-token that no earlier call has given."""


@dataclass(frozen=True)
class Paging:
    """Which pages are wanted. `records` is the member of the answer that is merged."""

    records: str
    starting_token: str | None = None
    page_size: int | None = None
    max_items: int | None = None


def records_of(about: Mapping[str, Any]) -> str | None:
    """The list that an operation gives page by page, its first of structures; None for one that answers at once."""
    if about["name"] in _NOT_PAGED or not {TOKEN, LIMIT} <= set(about["members"]):
        return None
    answer = (about["answer"] or {}).items()
    return next((name for name, kind in answer if kind["type"] == "list" and kind["of"]["type"] == "structure"), None)


def pages(
    paging: Paging, request: Mapping[str, Any], ask: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> dict[str, Any]:
    """All pages as one answer. Where `max_items` cut it, its NextToken is for `starting_token`. Raises BadToken."""
    token, skip = _read(paging.starting_token)
    found: list[Any] = []
    while True:
        asked = dict(request)
        if token is not None:
            asked[TOKEN] = token
        if paging.page_size:
            asked[LIMIT] = paging.page_size
        answer = dict(ask(asked))
        page, here = list(answer.get(paging.records) or [])[skip:], len(found)
        found += page
        following = answer.pop(TOKEN, None)
        if (
            paging.max_items is not None
            and len(found) >= paging.max_items
            and (following or len(found) > paging.max_items)
        ):
            left = len(found) - paging.max_items
            used = skip + paging.max_items - here
            mark = _written(token, used) if left else _written(following, 0)
            return answer | {paging.records: found[: paging.max_items], TOKEN: mark}
        if not following:
            return answer | {paging.records: found}
        token, skip = following, 0


def _written(token: str | None, used: int) -> str:
    """As AWS clients write it: the server's token, and how many records of its page have been seen."""
    said: dict[str, Any] = {TOKEN: token} | ({"boto_truncate_amount": used} if used else {})
    return base64.b64encode(json.dumps(said).encode()).decode()


def _read(mark: str | None) -> tuple[str | None, int]:
    if mark is None:
        return None, 0
    try:
        said = json.loads(base64.b64decode(mark, validate=True))
        return said[TOKEN], int(said.get("boto_truncate_amount", 0))
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError):
        raise BadToken("--starting-token is not a token that --max-items gave") from None
