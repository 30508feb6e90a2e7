"""Operations on drift. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator

from toque.client.structures import (
    DescribeDriftResult,
    Drift,
)
from toque.client.calling import TOQUE, Calls


class DriftCalls(Calls):
    """Operations on drift."""

    def describe_drift(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        stack_id: str | None = None,
        instance_id: str | None = None,
        days: int | None = None,
    ) -> DescribeDriftResult:
        """Describe how many changes of runs were intended, how many put right what others changed, and what flaps.

        Counted are the newest 20,000 runs of that time, as far as they are kept.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeDrift", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "InstanceId": instance_id, "Days": days}, DescribeDriftResult, reads=True)

    def iterate_drift(
        self,
        *,
        max_results: int | None = None,
        stack_id: str | None = None,
        instance_id: str | None = None,
        days: int | None = None,
    ) -> Iterator[Drift]:
        """Yield each of the `drift` that `describe_drift` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeDrift", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "InstanceId": instance_id, "Days": days}, DescribeDriftResult, "drift")
