"""Operations on attributes. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from toque.client.structures import (
    Attributes,
    DescribeAttributesResult,
)
from toque.client.calling import TOQUE, Calls


class AttributesCalls(Calls):
    """Operations on attributes."""

    def describe_attributes(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
        level: Literal["app", "instance", "layer"] | None = None,
        owner_ids: Sequence[str] | None = None,
    ) -> DescribeAttributesResult:
        """Describe the attributes that were set on a stack's layers, apps and instances, or on the named ones.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeAttributes", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "Level": level, "OwnerIds": owner_ids}, DescribeAttributesResult, reads=True)

    def iterate_attributes(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
        level: Literal["app", "instance", "layer"] | None = None,
        owner_ids: Sequence[str] | None = None,
    ) -> Iterator[Attributes]:
        """Yield each of the `attributes` that `describe_attributes` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeAttributes", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "Level": level, "OwnerIds": owner_ids}, DescribeAttributesResult, "attributes")

    def set_attributes(
        self,
        *,
        level: Literal["app", "instance", "layer"],
        owner_id: str,
        custom_json: str,
    ) -> None:
        """Set the attributes of a layer, an app or an instance, whole. Nodes see them with their next run.

        A layer's stand above its CustomJson; an instance's go before those of all its layers; an app's are seen as
        `node["apps"][shortname]`, and join the chain in commands that name the app. What stands under the name of a
        cookbook of the stack must fit its settings.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("SetAttributes", TOQUE, {"Level": level, "OwnerId": owner_id, "CustomJson": custom_json}, reads=False)
