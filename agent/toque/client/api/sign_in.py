"""Operations on sign in. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator

from toque.client.structures import (
    DescribeCallerResult,
    DescribeSessionsResult,
    EndSessionsResult,
    Session,
)
from toque.client.calling import TOQUE, Calls


class SignInCalls(Calls):
    """Operations on sign in."""

    def change_password(
        self,
        *,
        current_password: str,
        new_password: str,
    ) -> None:
        """Change one's own password for the console, and be signed out everywhere.

        Whoever has none, or has forgotten it, asks an administrator, who sets one with UpdateUser. After five wrong
        attempts in a quarter of an hour there is a wait.

        Raises ValidationException or ResourceNotFoundException or ThrottlingException.
        """
        self._do("ChangePassword", TOQUE, {"CurrentPassword": current_password, "NewPassword": new_password}, reads=False)

    def describe_caller(self) -> DescribeCallerResult:
        """Describe who asks, as the server knows him by his key, token or session."""
        return self._ask("DescribeCaller", TOQUE, {}, DescribeCallerResult, reads=True)

    def describe_sessions(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        user_arn: str | None = None,
    ) -> DescribeSessionsResult:
        """Describe where a user is signed in to the console, the newest first.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeSessions", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "UserArn": user_arn}, DescribeSessionsResult, reads=True)

    def iterate_sessions(
        self,
        *,
        max_results: int | None = None,
        user_arn: str | None = None,
    ) -> Iterator[Session]:
        """Yield each of the `sessions` that `describe_sessions` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeSessions", TOQUE, {"MaxResults": max_results, "UserArn": user_arn}, DescribeSessionsResult, "sessions")

    def end_sessions(
        self,
        *,
        user_arn: str | None = None,
        session_id: str | None = None,
    ) -> EndSessionsResult:
        """Sign a user out of the console: everywhere, or in one session. His keys and tokens stay.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("EndSessions", TOQUE, {"UserArn": user_arn, "SessionId": session_id}, EndSessionsResult, reads=False)
