"""Operations on events. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    DescribeEventsResult,
)
from toque.client.calling import TOQUE, Calls


class EventsCalls(Calls):
    """Operations on events."""

    def describe_events(
        self,
        *,
        stack_id: str | None = None,
        instance_id: str | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> DescribeEventsResult:
        """Describe what happened: in a stack, to an instance, or without either in every stack that the caller may see.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeEvents", TOQUE, {"StackId": stack_id, "InstanceId": instance_id, "After": after, "Limit": limit}, DescribeEventsResult, reads=True)
