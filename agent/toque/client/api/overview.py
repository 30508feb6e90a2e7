"""Operations on overview. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeProgressResult,
    DescribeStackOverviewsResult,
)
from toque.client.calling import TOQUE, Calls


class OverviewCalls(Calls):
    """Operations on overview."""

    def describe_progress(
        self,
        *,
        stack_id: str | None = None,
        deployment_ids: Sequence[str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> DescribeProgressResult:
        """Describe how far deployments are: the newest of a stack, newest first, or the named ones.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeProgress", TOQUE, {"StackId": stack_id, "DeploymentIds": deployment_ids, "Limit": limit, "Offset": offset}, DescribeProgressResult, reads=True)

    def describe_stack_overviews(self) -> DescribeStackOverviewsResult:
        """Describe every stack that the caller may see by its counts: layers, apps, instances by status, deployments."""
        return self._ask("DescribeStackOverviews", TOQUE, {}, DescribeStackOverviewsResult, reads=True)
