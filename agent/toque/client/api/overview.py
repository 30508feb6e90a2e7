"""Operations on overview. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toque.client.structures import (
    DescribeProgressResult,
    DescribeStackOverviewsResult,
    Progress,
    StackOverview,
)
from toque.client.calling import TOQUE, Calls


class OverviewCalls(Calls):
    """Operations on overview."""

    def describe_progress(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        stack_id: str | None = None,
        deployment_ids: Sequence[str] | None = None,
    ) -> DescribeProgressResult:
        """Describe how far deployments are: the newest of a stack, newest first, or the named ones.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeProgress", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "DeploymentIds": deployment_ids}, DescribeProgressResult, reads=True)

    def iterate_progress(
        self,
        *,
        max_results: int | None = None,
        stack_id: str | None = None,
        deployment_ids: Sequence[str] | None = None,
    ) -> Iterator[Progress]:
        """Yield each of the `deployments` that `describe_progress` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeProgress", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "DeploymentIds": deployment_ids}, DescribeProgressResult, "deployments")

    def describe_stack_overviews(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> DescribeStackOverviewsResult:
        """Describe every stack that the caller may see by its counts: layers, apps, instances by status, deployments.

        Raises ValidationException.
        """
        return self._ask("DescribeStackOverviews", TOQUE, {"MaxResults": max_results, "NextToken": next_token}, DescribeStackOverviewsResult, reads=True)

    def iterate_stack_overviews(
        self,
        *,
        max_results: int | None = None,
    ) -> Iterator[StackOverview]:
        """Yield each of the `stacks` that `describe_stack_overviews` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeStackOverviews", TOQUE, {"MaxResults": max_results}, DescribeStackOverviewsResult, "stacks")
