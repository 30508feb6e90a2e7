"""Operations on explain access. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    ExplainAccessResult,
)
from toque.client.calling import TOQUE, Calls


class ExplainAccessCalls(Calls):
    """Operations on explain access."""

    def explain_access(
        self,
        *,
        action: str,
        stack_id: str | None = None,
        user_arn: str | None = None,
    ) -> ExplainAccessResult:
        """Explain whether somebody may do something, and which rule decides.

        In this order: owner, level deny, a policy that denies, the level, a policy that allows, else no. Only
        administrators, or whom a policy allows it, may ask about others. What an operation checks besides, such as strict
        mode, is not among the rules.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("ExplainAccess", TOQUE, {"Action": action, "StackId": stack_id, "UserArn": user_arn}, ExplainAccessResult, reads=True)
