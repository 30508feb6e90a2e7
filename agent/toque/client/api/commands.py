"""Operations on commands. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeCommandsResult,
    GetCommandLogResult,
)
from toque.client.calling import OPSWORKS, TOQUE, Calls


class CommandsCalls(Calls):
    """Operations on commands."""

    def describe_commands(
        self,
        *,
        deployment_id: str | None = None,
        instance_id: str | None = None,
        command_ids: Sequence[str] | None = None,
    ) -> DescribeCommandsResult:
        """Describe the commands of a deployment, of an instance, or the named ones; newest first.

        `LogUrl` is there from the acknowledgement on, also while the command runs, and good for one hour. A command that
        ended before any agent took it has one too, where the server has said why in its log.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeCommands", OPSWORKS, {"DeploymentId": deployment_id, "InstanceId": instance_id, "CommandIds": command_ids}, DescribeCommandsResult, reads=True)

    def get_command_log(
        self,
        *,
        command_id: str,
        offset: int | None = None,
        limit: int | None = None,
        tail: int | None = None,
    ) -> GetCommandLogResult:
        """Read a piece of a command's log, also while the command runs: ask again from `NextOffset` on.

        Bytes that are not UTF-8 are shown as replacement characters; a character is never cut in two.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("GetCommandLog", TOQUE, {"CommandId": command_id, "Offset": offset, "Limit": limit, "Tail": tail}, GetCommandLogResult, reads=True)
