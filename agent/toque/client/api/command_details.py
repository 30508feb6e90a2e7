"""Operations on command details. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeCommandDetailsResult,
)
from toque.client.calling import TOQUE, Calls


class CommandDetailsCalls(Calls):
    """Operations on command details."""

    def describe_command_details(
        self,
        *,
        stack_id: str | None = None,
        deployment_id: str | None = None,
        instance_id: str | None = None,
        command_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> DescribeCommandDetailsResult:
        """Describe commands with everything that DescribeCommands leaves out: where each stands, why, who asked.

        Of a stack only what has not ended: ask by deployment, by instance or by id for the rest.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeCommandDetails", TOQUE, {"StackId": stack_id, "DeploymentId": deployment_id, "InstanceId": instance_id, "CommandIds": command_ids, "Limit": limit}, DescribeCommandDetailsResult, reads=True)
