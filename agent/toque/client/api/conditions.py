"""Operations on conditions. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator

from toque.client.structures import (
    Condition,
    DescribeConditionsResult,
)
from toque.client.calling import TOQUE, Calls


class ConditionsCalls(Calls):
    """Operations on conditions."""

    def describe_conditions(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        stack_id: str | None = None,
        instance_id: str | None = None,
    ) -> DescribeConditionsResult:
        """Describe how the instances of a stack, or one instance, are: status, since when, why, last contact, facts.

        Contacts are written every two seconds or so: a `SilentSeconds` below that says nothing.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeConditions", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "InstanceId": instance_id}, DescribeConditionsResult, reads=True)

    def iterate_conditions(
        self,
        *,
        max_results: int | None = None,
        stack_id: str | None = None,
        instance_id: str | None = None,
    ) -> Iterator[Condition]:
        """Yield each of the `conditions` that `describe_conditions` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeConditions", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "InstanceId": instance_id}, DescribeConditionsResult, "conditions")
