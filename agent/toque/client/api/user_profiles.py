"""Operations on user profiles. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    CreateUserProfileResult,
    DescribeMyUserProfileResult,
    DescribeUserProfilesResult,
)
from toque.client.calling import OPSWORKS, Calls


class UserProfilesCalls(Calls):
    """Operations on user profiles."""

    def create_user_profile(
        self,
        *,
        iam_user_arn: str,
        ssh_username: str | None = None,
        ssh_public_key: str | None = None,
        allow_self_management: bool | None = None,
    ) -> CreateUserProfileResult:
        """Import a user: he then stands on every stack's list, at `iam_only`.

        The SSH user name is made from the ARN where none is sent; punctuation in it is dropped, and a number put behind it
        where it is taken.

        Raises ValidationException.
        """
        return self._ask("CreateUserProfile", OPSWORKS, {"IamUserArn": iam_user_arn, "SshUsername": ssh_username, "SshPublicKey": ssh_public_key, "AllowSelfManagement": allow_self_management}, CreateUserProfileResult, reads=False)

    def delete_user_profile(
        self,
        *,
        iam_user_arn: str,
    ) -> None:
        """Take a user off every stack's list and off every node. His way into the console and his keys stay.

        His user id on the nodes is given to nobody else for 90 days.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteUserProfile", OPSWORKS, {"IamUserArn": iam_user_arn}, reads=False)

    def describe_my_user_profile(self) -> DescribeMyUserProfileResult:
        """Describe the caller's own profile."""
        return self._ask("DescribeMyUserProfile", OPSWORKS, {}, DescribeMyUserProfileResult, reads=True)

    def describe_user_profiles(
        self,
        *,
        iam_user_arns: Sequence[str] | None = None,
    ) -> DescribeUserProfilesResult:
        """Describe the named profiles, or all.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeUserProfiles", OPSWORKS, {"IamUserArns": iam_user_arns}, DescribeUserProfilesResult, reads=True)

    def update_my_user_profile(
        self,
        *,
        ssh_public_key: str | None = None,
    ) -> None:
        """Set one's own SSH key; an empty one deletes it. The new key goes to every node where the caller may log in.

        Raises ValidationException.
        """
        self._do("UpdateMyUserProfile", OPSWORKS, {"SshPublicKey": ssh_public_key}, reads=False)

    def update_user_profile(
        self,
        *,
        iam_user_arn: str,
        ssh_username: str | None = None,
        ssh_public_key: str | None = None,
        allow_self_management: bool | None = None,
    ) -> None:
        """Change a profile; accounts on the nodes follow at once. An empty SSH key takes the key away.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateUserProfile", OPSWORKS, {"IamUserArn": iam_user_arn, "SshUsername": ssh_username, "SshPublicKey": ssh_public_key, "AllowSelfManagement": allow_self_management}, reads=False)
