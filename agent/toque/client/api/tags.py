"""Operations on tags. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toque.client.structures import (
    ListTagsResult,
)
from toque.client.calling import OPSWORKS, Calls


class TagsCalls(Calls):
    """Operations on tags."""

    def list_tags(
        self,
        *,
        resource_arn: str,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> ListTagsResult:
        """List the tags of a stack or a layer; a layer's include those that it inherits.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("ListTags", OPSWORKS, {"ResourceArn": resource_arn, "MaxResults": max_results, "NextToken": next_token}, ListTagsResult, reads=True)

    def tag_resource(
        self,
        *,
        resource_arn: str,
        tags: Mapping[str, str],
    ) -> None:
        """Set tags of a stack or a layer; others that it has stay.

        A stack's tags hold for its layers and instances; a layer's own value goes before the stack's. Recipes read them as
        `node["tags"]`, from the next command on. A resource has at most 40 tags, inherited ones included.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("TagResource", OPSWORKS, {"ResourceArn": resource_arn, "Tags": tags}, reads=False)

    def untag_resource(
        self,
        *,
        resource_arn: str,
        tag_keys: Sequence[str],
    ) -> None:
        """Remove tags by key; a key that is not there is no error.

        A layer that gave an inherited key another value shows the stack's again. What is only inherited is removed at the
        stack.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UntagResource", OPSWORKS, {"ResourceArn": resource_arn, "TagKeys": tag_keys}, reads=False)
