"""Answers in pages: `MaxResults` and `NextToken`, the same for every operation that has them (chapter 09 § 9).

    class DescribeThings(Paged, frozen=True, kw_only=True):
        stack_id: str

    shown, token = page(ctx, req, found, key=lambda each: each.id)
    return ThingsDescribed(things=[_view(each) for each in shown], next_token=token)

A list that changes between two pages is no trouble: the next page begins behind the last record of the one before,
wherever that is now, so nothing is shown twice and nothing that stays is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import msgspec

from toque_server.operations import wire
from toque_server.operations.context import Context
from toque_server.operations.errors import ValidationException
from toque_server.operations.registry import Request
from toque_server.security.pages import BadPage, read_page, sign_page

T = TypeVar("T")

LARGEST: Final = 100
"""Records of one page, also where the request does not say how many."""


class Paged(Request, frozen=True, kw_only=True):
    """A request that is answered in pages: 1 to 100 records each, 100 when `max_results` is not given."""

    max_results: int | None = None
    next_token: str | None = None


def page(ctx: Context, req: Paged, records: Iterable[T], *, key: Callable[[T], str]) -> tuple[list[T], str | None]:
    """The page that was asked for, ordered by `key`, and the token of the next; None with the last page.

    `key` must be different for each record. Raises ValidationException for a size or a token that will not do.
    """
    size, behind = limit(req), position(ctx, req)
    rest = sorted((each for each in records if behind is None or key(each) > behind), key=key)
    return rest[:size], token(ctx, req, key(rest[size - 1])) if len(rest) > size else None


def limit(req: Paged) -> int:
    """How many records a page has. Raises ValidationException unless it is 1 to 100."""
    if req.max_results is None:
        return LARGEST
    if not 1 <= req.max_results <= LARGEST:
        raise ValidationException(f"MaxResults must be 1 to {LARGEST}, not {req.max_results}", field="MaxResults")
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
