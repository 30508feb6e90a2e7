"""Operations on events. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toque.client.structures import (
    DescribeEventsResult,
    Event,
)
from toque.client.calling import TOQUE, Calls


class EventsCalls(Calls):
    """Operations on events."""

    def describe_events(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        stack_id: str | None = None,
        instance_id: str | None = None,
        kinds: Sequence[str] | None = None,
        since: str | None = None,
        until: str | None = None,
        after: int | None = None,
    ) -> DescribeEventsResult:
        """Describe what happened: in a stack, to an instance, or without either in every stack that the caller may see.

        The newest first, page by page; or, with `After`, what came after an event, oldest first. Events are kept for
        30 days.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeEvents", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "InstanceId": instance_id, "Kinds": kinds, "Since": since, "Until": until, "After": after}, DescribeEventsResult, reads=True)

    def iterate_events(
        self,
        *,
        max_results: int | None = None,
        stack_id: str | None = None,
        instance_id: str | None = None,
        kinds: Sequence[str] | None = None,
        since: str | None = None,
        until: str | None = None,
        after: int | None = None,
    ) -> Iterator[Event]:
        """Yield each of the `events` that `describe_events` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeEvents", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "InstanceId": instance_id, "Kinds": kinds, "Since": since, "Until": until, "After": after}, DescribeEventsResult, "events")
