"""Operations on join tokens. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    CreateJoinTokenResult,
    DescribeJoinTokensResult,
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
    ) -> DescribeJoinTokensResult:
        """Describe a stack's join tokens that can still be used, without the tokens themselves.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeJoinTokens", TOQUE, {"StackId": stack_id}, DescribeJoinTokensResult, reads=True)

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

    def revoke_node_key(
        self,
        *,
        instance_id: str,
    ) -> None:
        """End the identity of an instance's machine: nothing it says is believed from now on.

        The machine can come back with a join token for the instance.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("RevokeNodeKey", TOQUE, {"InstanceId": instance_id}, reads=False)
