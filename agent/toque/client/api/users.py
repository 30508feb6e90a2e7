"""Operations on users. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toque.client.structures import (
    CreateUserResult,
    DescribeUsersResult,
    User,
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

    def describe_users(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        user_arns: Sequence[str] | None = None,
    ) -> DescribeUsersResult:
        """Describe the users of the installation, by name.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeUsers", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "UserArns": user_arns}, DescribeUsersResult, reads=True)

    def iterate_users(
        self,
        *,
        max_results: int | None = None,
        user_arns: Sequence[str] | None = None,
    ) -> Iterator[User]:
        """Yield each of the `users` that `describe_users` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeUsers", TOQUE, {"MaxResults": max_results, "UserArns": user_arns}, DescribeUsersResult, "users")

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
