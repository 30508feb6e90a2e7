"""Operations on users. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    CreateUserResult,
    DescribeUsersResult,
)
from toque.client.calling import TOQUE, Calls


class UsersCalls(Calls):
    """Operations on users."""

    def create_user(
        self,
        *,
        user_name: str,
        administrator: bool | None = None,
        password: str | None = None,
        ssh_username: str | None = None,
        ssh_public_key: str | None = None,
        allow_self_management: bool | None = None,
    ) -> CreateUserResult:
        """Create a user and his profile. With a password he can sign in to the console; keys are made by CreateAccessKey.

        An administrator may do everything; others get their rights stack by stack with SetPermission.

        Raises ValidationException.
        """
        return self._ask("CreateUser", TOQUE, {"UserName": user_name, "Administrator": administrator, "Password": password, "SshUsername": ssh_username, "SshPublicKey": ssh_public_key, "AllowSelfManagement": allow_self_management}, CreateUserResult, reads=False)

    def delete_user(
        self,
        *,
        user_arn: str,
        cascade: bool | None = None,
    ) -> None:
        """Delete a user with all his keys, tokens and sessions.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteUser", TOQUE, {"UserArn": user_arn, "Cascade": cascade}, reads=False)

    def describe_users(self) -> DescribeUsersResult:
        """Describe every user of the installation, by name."""
        return self._ask("DescribeUsers", TOQUE, {}, DescribeUsersResult, reads=True)

    def update_user(
        self,
        *,
        user_arn: str,
        administrator: bool | None = None,
        password: str | None = None,
    ) -> None:
        """Make a user an administrator or not, or set his password. Either signs him out everywhere.

        Only administrators make administrators, and change or delete them.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateUser", TOQUE, {"UserArn": user_arn, "Administrator": administrator, "Password": password}, reads=False)
