"""Operations on node keys. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator

from toque.client.structures import (
    DescribeNodeKeysResult,
    NodeKey,
)
from toque.client.calling import TOQUE, Calls


class NodeKeysCalls(Calls):
    """Operations on node keys."""

    def describe_node_keys(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        stack_id: str | None = None,
        instance_id: str | None = None,
        include_revoked: bool | None = None,
    ) -> DescribeNodeKeysResult:
        """Describe the keys with which the machines of a stack, or of one instance, prove who they are.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeNodeKeys", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "InstanceId": instance_id, "IncludeRevoked": include_revoked}, DescribeNodeKeysResult, reads=True)

    def iterate_node_keys(
        self,
        *,
        max_results: int | None = None,
        stack_id: str | None = None,
        instance_id: str | None = None,
        include_revoked: bool | None = None,
    ) -> Iterator[NodeKey]:
        """Yield each of the `node_keys` that `describe_node_keys` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeNodeKeys", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "InstanceId": instance_id, "IncludeRevoked": include_revoked}, DescribeNodeKeysResult, "node_keys")

    def free_node_key(
        self,
        *,
        instance_id: str,
    ) -> None:
        """Let an instance go on that is held because two machines used its key.

        The machine that was heard last goes on. First switch the other one off, or delete its state directory: while both
        are there, they are held again. To keep the other one, call RevokeNodeKey and let it join with a new token.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("FreeNodeKey", TOQUE, {"InstanceId": instance_id}, reads=False)

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
