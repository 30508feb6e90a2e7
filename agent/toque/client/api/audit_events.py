"""Operations on audit events. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    DescribeAuditEventsResult,
)
from toque.client.calling import TOQUE, Calls


class AuditEventsCalls(Calls):
    """Operations on audit events."""

    def describe_audit_events(
        self,
        *,
        user_arn: str | None = None,
        stack_id: str | None = None,
        action: str | None = None,
        since: str | None = None,
        until: str | None = None,
        denied_only: bool | None = None,
        verify: bool | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> DescribeAuditEventsResult:
        """Describe who did what: every change and every refusal, newest first.

        For administrators, and for whom a policy allows `opsworks:ListAuditEvents`; limited to a stack, with its `StackId`.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeAuditEvents", TOQUE, {"UserArn": user_arn, "StackId": stack_id, "Action": action, "Since": since, "Until": until, "DeniedOnly": denied_only, "Verify": verify, "MaxResults": max_results, "NextToken": next_token}, DescribeAuditEventsResult, reads=True)
