"""Operations on access keys. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator

from toque.client.structures import (
    ApiToken,
    CreateAccessKeyResult,
    CreateApiTokenResult,
    DescribeAccessKeysResult,
    DescribeApiTokensResult,
)
from toque.client.calling import TOQUE, Calls


class AccessKeysCalls(Calls):
    """Operations on access keys."""

    def create_access_key(
        self,
        *,
        user_arn: str | None = None,
    ) -> CreateAccessKeyResult:
        """Make an access key for AWS clients. Its secret is in this answer and nowhere else.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("CreateAccessKey", TOQUE, {"UserArn": user_arn}, CreateAccessKeyResult, reads=False)

    def create_api_token(
        self,
        *,
        label: str,
        user_arn: str | None = None,
        expires_in_days: int | None = None,
    ) -> CreateApiTokenResult:
        """Make a bearer token for `POST /api/…`. It is in this answer and nowhere else.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("CreateApiToken", TOQUE, {"Label": label, "UserArn": user_arn, "ExpiresInDays": expires_in_days}, CreateApiTokenResult, reads=False)

    def delete_access_key(
        self,
        *,
        access_key_id: str,
        user_arn: str | None = None,
    ) -> None:
        """Delete an access key; requests signed with it fail from now on.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteAccessKey", TOQUE, {"AccessKeyId": access_key_id, "UserArn": user_arn}, reads=False)

    def delete_api_token(
        self,
        *,
        token_id: str,
        user_arn: str | None = None,
    ) -> None:
        """Delete an API token.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteApiToken", TOQUE, {"TokenId": token_id, "UserArn": user_arn}, reads=False)

    def describe_access_keys(
        self,
        *,
        user_arn: str | None = None,
    ) -> DescribeAccessKeysResult:
        """Describe a user's access keys, without their secrets.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeAccessKeys", TOQUE, {"UserArn": user_arn}, DescribeAccessKeysResult, reads=True)

    def describe_api_tokens(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        user_arn: str | None = None,
    ) -> DescribeApiTokensResult:
        """Describe a user's API tokens, without the tokens themselves.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeApiTokens", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "UserArn": user_arn}, DescribeApiTokensResult, reads=True)

    def iterate_api_tokens(
        self,
        *,
        max_results: int | None = None,
        user_arn: str | None = None,
    ) -> Iterator[ApiToken]:
        """Yield each of the `api_tokens` that `describe_api_tokens` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeApiTokens", TOQUE, {"MaxResults": max_results, "UserArn": user_arn}, DescribeApiTokensResult, "api_tokens")

    def update_access_key(
        self,
        *,
        access_key_id: str,
        active: bool,
        user_arn: str | None = None,
    ) -> None:
        """Switch an access key off or on, to see what needs it before it is deleted.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateAccessKey", TOQUE, {"AccessKeyId": access_key_id, "Active": active, "UserArn": user_arn}, reads=False)

    def update_api_token(
        self,
        *,
        token_id: str,
        label: str | None = None,
        expires_in_days: int | None = None,
        user_arn: str | None = None,
    ) -> None:
        """Give an API token another label, or another end. One that has expired stays so.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateApiToken", TOQUE, {"TokenId": token_id, "Label": label, "ExpiresInDays": expires_in_days, "UserArn": user_arn}, reads=False)
