"""Operations on join tokens. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toque.client.structures import (
    CreateJoinTokenResult,
    DescribeJoinTokensResult,
    JoinToken,
)
from toque.client.calling import TOQUE, Calls


class JoinTokensCalls(Calls):
    """Operations on join tokens."""

    def create_join_token(
        self,
        *,
        stack_id: str,
        layer_ids: Sequence[str] | None = None,
        instance_id: str | None = None,
        expires_in_minutes: int | None = None,
        uses: int | None = None,
    ) -> CreateJoinTokenResult:
        """Make a token with which a machine joins a stack: once, and within an hour, unless you say otherwise.

        Several uses are for images from which many machines start; they must name their number.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("CreateJoinToken", TOQUE, {"StackId": stack_id, "LayerIds": layer_ids, "InstanceId": instance_id, "ExpiresInMinutes": expires_in_minutes, "Uses": uses}, CreateJoinTokenResult, reads=False)

    def describe_join_tokens(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> DescribeJoinTokensResult:
        """Describe a stack's join tokens that can still be used, the oldest first, without the tokens themselves.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeJoinTokens", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id}, DescribeJoinTokensResult, reads=True)

    def iterate_join_tokens(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
    ) -> Iterator[JoinToken]:
        """Yield each of the `join_tokens` that `describe_join_tokens` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeJoinTokens", TOQUE, {"MaxResults": max_results, "StackId": stack_id}, DescribeJoinTokensResult, "join_tokens")

    def revoke_join_token(
        self,
        *,
        stack_id: str,
        token_id: str,
    ) -> None:
        """Take a join token back; machines that have joined with it stay.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("RevokeJoinToken", TOQUE, {"StackId": stack_id, "TokenId": token_id}, reads=False)
