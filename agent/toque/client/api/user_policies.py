"""Operations on user policies. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    DescribePredefinedPoliciesResult,
    DescribeUserPoliciesResult,
)
from toque.client.calling import TOQUE, Calls


class UserPoliciesCalls(Calls):
    """Operations on user policies."""

    def attach_user_policy(
        self,
        *,
        user_arn: str,
        policy: str,
    ) -> None:
        """Attach a predefined policy to a user; the one for full access makes him an administrator.

        Only administrators can do this, and nobody to himself. The user is signed out of the console.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("AttachUserPolicy", TOQUE, {"UserArn": user_arn, "Policy": policy}, reads=False)

    def delete_user_policy(
        self,
        *,
        user_arn: str,
        policy_name: str,
    ) -> None:
        """Take a policy of his own from a user. Only administrators can do this, and nobody to himself.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteUserPolicy", TOQUE, {"UserArn": user_arn, "PolicyName": policy_name}, reads=False)

    def describe_predefined_policies(self) -> DescribePredefinedPoliciesResult:
        """Describe the policies that can be attached to users by name."""
        return self._ask("DescribePredefinedPolicies", TOQUE, {}, DescribePredefinedPoliciesResult, reads=True)

    def describe_user_policies(
        self,
        *,
        user_arn: str,
    ) -> DescribeUserPoliciesResult:
        """Describe the policies of a user: his own and those attached to him.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeUserPolicies", TOQUE, {"UserArn": user_arn}, DescribeUserPoliciesResult, reads=True)

    def detach_user_policy(
        self,
        *,
        user_arn: str,
        policy: str,
    ) -> None:
        """Detach a predefined policy from a user. Only administrators can do this, and nobody to himself.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DetachUserPolicy", TOQUE, {"UserArn": user_arn, "Policy": policy}, reads=False)

    def put_user_policy(
        self,
        *,
        user_arn: str,
        policy_name: str,
        policy_document: str,
    ) -> None:
        """Give a user a policy of his own, or replace the one of that name. It counts from his next request on.

        A policy that allows exceeds the user's levels, one that denies beats them; level `deny` beats both. Only
        administrators can do this, and nobody to himself. The user is signed out of the console.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("PutUserPolicy", TOQUE, {"UserArn": user_arn, "PolicyName": policy_name, "PolicyDocument": policy_document}, reads=False)
