"""Operations on permissions. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    DescribeMyPermissionsResult,
    DescribePermissionsResult,
)
from toque.client.calling import OPSWORKS, TOQUE, Calls


class PermissionsCalls(Calls):
    """Operations on permissions."""

    def describe_my_permissions(self) -> DescribeMyPermissionsResult:
        """Describe what was set for the caller himself, stack by stack; on a stack that is not here he has `iam_only`."""
        return self._ask("DescribeMyPermissions", TOQUE, {}, DescribeMyPermissionsResult, reads=True)

    def describe_permissions(
        self,
        *,
        iam_user_arn: str | None = None,
        stack_id: str | None = None,
    ) -> DescribePermissionsResult:
        """Describe the permissions of every user of a stack, of a user on every stack, or of one user on one stack.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribePermissions", OPSWORKS, {"IamUserArn": iam_user_arn, "StackId": stack_id}, DescribePermissionsResult, reads=True)

    def set_permission(
        self,
        *,
        stack_id: str,
        iam_user_arn: str,
        allow_ssh: bool | None = None,
        allow_sudo: bool | None = None,
        level: str | None = None,
    ) -> None:
        """Set a user's level on a stack, and whether he has an account and sudo on its nodes.

        Members that are not sent stay. Nobody changes his own level. Accounts follow at once on online instances.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("SetPermission", OPSWORKS, {"StackId": stack_id, "IamUserArn": iam_user_arn, "AllowSsh": allow_ssh, "AllowSudo": allow_sudo, "Level": level}, reads=False)
