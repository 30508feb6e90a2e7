"""Answers in pages: `MaxResults` and `NextToken`, the same for every operation that has them (chapter 09 § 9).

    class DescribeThings(Paged, frozen=True, kw_only=True):
        largest: ClassVar[int] = 1000
        stack_id: str

    shown, token = page(ctx, req, found, key=lambda each: each.id)
    return ThingsDescribed(things=[_view(each) for each in shown], next_token=token)

A list that changes between two pages is no trouble: the next page begins behind the last record of the one before,
wherever that is now, so nothing is shown twice and nothing that stays is left out. Lists that are too long to be read
whole are cut by the database: `cut` instead of `page`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, TypeVar

import msgspec

from toque_server.operations import wire
from toque_server.operations.context import Context
from toque_server.operations.errors import ValidationException
from toque_server.operations.registry import Request
from toque_server.security.pages import BadPage, read_page, sign_page

T = TypeVar("T")


class Paged(Request, frozen=True, kw_only=True):
    """A request that is answered in pages: 1 to `largest` records each, `usual` when `max_results` is not given."""

    largest: ClassVar[int] = 100
    usual: ClassVar[int | None] = None
    """None: as many as the largest page has."""

    max_results: int | None = None
    next_token: str | None = None


def page(ctx: Context, req: Paged, records: Iterable[T], *, key: Callable[[T], str]) -> tuple[list[T], str | None]:
    """The page that was asked for, ordered by `key`, and the token of the next; None with the last page.

    `key` must be different for each record. Raises ValidationException for a size or a token that will not do.
    """

    def behind(last: str | None, most: int) -> list[T]:
        return sorted((each for each in records if last is None or key(each) > last), key=key)[:most]

    return cut(ctx, req, behind, key=key)


def cut(
    ctx: Context, req: Paged, behind: Callable[[str | None, int], Sequence[T]], *, key: Callable[[T], str]
) -> tuple[list[T], str | None]:
    """As `page`, of a list that `behind(key of the last record seen, how many)` reads; None: from its beginning.

    Raises ValidationException for a size or a token that will not do.
    """
    size = limit(req)
    found = list(behind(position(ctx, req), size + 1))
    return found[:size], token(ctx, req, key(found[size - 1])) if len(found) > size else None


def newest_first(at: datetime, id: str) -> str:
    """A key for `page` that puts later times in front.

    >>> later, earlier = (newest_first(datetime(year, 1, 1, tzinfo=UTC), "x") for year in (2027, 2026))
    >>> later < earlier
    True
    """
    micros = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return f"{(1 << 63) - micros:020} {id}"


def limit(req: Paged) -> int:
    """How many records a page has. Raises ValidationException unless it is 1 to the largest."""
    if req.max_results is None:
        return req.usual or req.largest
    if not 1 <= req.max_results <= req.largest:
        raise ValidationException(f"MaxResults must be 1 to {req.largest}, not {req.max_results}", field="MaxResults")
    return req.max_results


def position(ctx: Context, req: Paged) -> str | None:
    """The key behind which the page begins, for those who let the database cut it; None for the first page.

    Raises ValidationException for a token that is not ours, is for another request, or is over an hour old.
    """
    if req.next_token is None:
        return None
    try:
        return read_page(ctx.services.keys, _question(req), req.next_token, ctx.now)
    except BadPage as error:
        raise ValidationException(str(error), field="NextToken") from None


def token(ctx: Context, req: Paged, last: str) -> str:
    """The token of the page behind the record of key `last`."""
    return sign_page(ctx.services.keys, _question(req), last, ctx.now)


def _question(req: Paged) -> str:
    """What was asked, apart from the page: a token must not lead from one list into another."""
    asked = wire.encode(msgspec.structs.replace(req, max_results=None, next_token=None))
    return f"{type(req).__name__} {msgspec.json.encode(asked, order='sorted').decode()}"
