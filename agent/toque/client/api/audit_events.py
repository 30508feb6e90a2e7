"""Operations on audit events. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator

from toque.client.structures import (
    AuditEvent,
    DescribeAuditEventsResult,
)
from toque.client.calling import TOQUE, Calls


class AuditEventsCalls(Calls):
    """Operations on audit events."""

    def describe_audit_events(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        user_arn: str | None = None,
        stack_id: str | None = None,
        action: str | None = None,
        since: str | None = None,
        until: str | None = None,
        denied_only: bool | None = None,
        verify: bool | None = None,
    ) -> DescribeAuditEventsResult:
        """Describe who did what: every change, those that failed with their error, and every denial, newest first.

        Of changes that fail, each caller's first hundred are recorded and then one a second; the next one that is recorded
        says how many were left out.

        For administrators, and for whom a policy allows `opsworks:ListAuditEvents`; limited to a stack, with its `StackId`.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeAuditEvents", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "UserArn": user_arn, "StackId": stack_id, "Action": action, "Since": since, "Until": until, "DeniedOnly": denied_only, "Verify": verify}, DescribeAuditEventsResult, reads=True)

    def iterate_audit_events(
        self,
        *,
        max_results: int | None = None,
        user_arn: str | None = None,
        stack_id: str | None = None,
        action: str | None = None,
        since: str | None = None,
        until: str | None = None,
        denied_only: bool | None = None,
        verify: bool | None = None,
    ) -> Iterator[AuditEvent]:
        """Yield each of the `events` that `describe_audit_events` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeAuditEvents", TOQUE, {"MaxResults": max_results, "UserArn": user_arn, "StackId": stack_id, "Action": action, "Since": since, "Until": until, "DeniedOnly": denied_only, "Verify": verify}, DescribeAuditEventsResult, "events")
