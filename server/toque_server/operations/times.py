"""Times that a request names: ISO 8601 with a zone, such as `2026-11-22T08:00:00Z`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload

from toque_server.operations.errors import ValidationException


@overload
def moment(text: str, member: str) -> datetime: ...
@overload
def moment(text: None, member: str) -> None: ...
@overload
def moment(text: str | None, member: str) -> datetime | None: ...
def moment(text: str | None, member: str) -> datetime | None:
    """The time that `member` names; None where it is absent. Raises ValidationException."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValidationException(
        f"{member} {text!r} must be a time with its zone, such as 2026-11-22T08:00:00Z", field=member
    )


def check_order(since: datetime | None, until: datetime | None) -> None:
    """Raises ValidationException for a span that ends before it begins."""
    if since is not None and until is not None and since >= until:
        raise ValidationException("Since must be before Until", field="Since")
