"""Operations on command details. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toque.client.structures import (
    CommandDetail,
    DescribeCommandDetailsResult,
)
from toque.client.calling import TOQUE, Calls


class CommandDetailsCalls(Calls):
    """Operations on command details."""

    def describe_command_details(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        stack_id: str | None = None,
        deployment_id: str | None = None,
        instance_id: str | None = None,
        command_ids: Sequence[str] | None = None,
    ) -> DescribeCommandDetailsResult:
        """Describe commands with everything that DescribeCommands leaves out: where each stands, why, who asked.

        The newest first. Of a stack only what has not ended: ask by deployment, by instance or by id for the rest.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeCommandDetails", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "DeploymentId": deployment_id, "InstanceId": instance_id, "CommandIds": command_ids}, DescribeCommandDetailsResult, reads=True)

    def iterate_command_details(
        self,
        *,
        max_results: int | None = None,
        stack_id: str | None = None,
        deployment_id: str | None = None,
        instance_id: str | None = None,
        command_ids: Sequence[str] | None = None,
    ) -> Iterator[CommandDetail]:
        """Yield each of the `commands` that `describe_command_details` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeCommandDetails", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "DeploymentId": deployment_id, "InstanceId": instance_id, "CommandIds": command_ids}, DescribeCommandDetailsResult, "commands")
