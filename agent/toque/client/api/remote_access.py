"""Operations on remote access. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    GrantAccessResult,
)
from toque.client.calling import OPSWORKS, Calls


class RemoteAccessCalls(Calls):
    """Operations on remote access."""

    def grant_access(
        self,
        *,
        instance_id: str,
        valid_for_in_minutes: int | None = None,
    ) -> GrantAccessResult:
        """Ask for remote desktop access to a Windows instance; besides the level it takes AllowSsh on the stack.

        It is there for clients of OpsWorks: instances here run Linux, where one logs in over SSH, and are refused.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("GrantAccess", OPSWORKS, {"InstanceId": instance_id, "ValidForInMinutes": valid_for_in_minutes}, GrantAccessResult, reads=False)
