"""Operations on policy differences. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator

from toque.client.structures import (
    DescribePolicyDifferencesResult,
    DescribePolicyRevisionsResult,
    PolicyPart,
    PolicyRevision,
)
from toque.client.calling import TOQUE, Calls


class PolicyDifferencesCalls(Calls):
    """Operations on policy differences."""

    def describe_policy_differences(
        self,
        *,
        stack_id: str,
        from_version: int,
        max_results: int | None = None,
        next_token: str | None = None,
        to_version: int | None = None,
    ) -> DescribePolicyDifferencesResult:
        """Describe what changed from one policy of a stack to another: which parts, and in each every value.

        Secrets, custom JSON and data bags are in no policy, and therefore not here.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribePolicyDifferences", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "FromVersion": from_version, "ToVersion": to_version}, DescribePolicyDifferencesResult, reads=True)

    def iterate_policy_differences(
        self,
        *,
        stack_id: str,
        from_version: int,
        max_results: int | None = None,
        to_version: int | None = None,
    ) -> Iterator[PolicyPart]:
        """Yield each of the `parts` that `describe_policy_differences` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribePolicyDifferences", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "FromVersion": from_version, "ToVersion": to_version}, DescribePolicyDifferencesResult, "parts")

    def describe_policy_revisions(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> DescribePolicyRevisionsResult:
        """Describe which policies of a stack are kept: at least the newest eight, and those of open commands.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribePolicyRevisions", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id}, DescribePolicyRevisionsResult, reads=True)

    def iterate_policy_revisions(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
    ) -> Iterator[PolicyRevision]:
        """Yield each of the `revisions` that `describe_policy_revisions` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribePolicyRevisions", TOQUE, {"MaxResults": max_results, "StackId": stack_id}, DescribePolicyRevisionsResult, "revisions")
