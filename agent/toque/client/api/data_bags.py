"""Operations on data bags. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from toque.client.structures import (
    DataBagItem,
    DeleteDataBagResult,
    DescribeDataBagsResult,
    GetDataBagItemResult,
    PutDataBagItemResult,
)
from toque.client.calling import TOQUE, Calls


class DataBagsCalls(Calls):
    """Operations on data bags."""

    def delete_data_bag(
        self,
        *,
        stack_id: str,
        bag: str,
        level: Literal["app", "instance", "layer", "stack"] | None = None,
        owner_id: str | None = None,
    ) -> DeleteDataBagResult:
        """Delete every item of a data bag, at one level or at all.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DeleteDataBag", TOQUE, {"StackId": stack_id, "Bag": bag, "Level": level, "OwnerId": owner_id}, DeleteDataBagResult, reads=False)

    def delete_data_bag_item(
        self,
        *,
        stack_id: str,
        bag: str,
        item: str,
        level: Literal["app", "instance", "layer", "stack"] | None = None,
        owner_id: str | None = None,
        version: int | None = None,
    ) -> None:
        """Delete one item of a data bag.

        Raises ConflictException when the item no longer has the version that was sent.

        Raises ValidationException or ResourceNotFoundException or ConflictException.
        """
        self._do("DeleteDataBagItem", TOQUE, {"StackId": stack_id, "Bag": bag, "Item": item, "Level": level, "OwnerId": owner_id, "Version": version}, reads=False)

    def describe_data_bags(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
        bag: str | None = None,
        level: Literal["app", "instance", "layer", "stack"] | None = None,
        owner_id: str | None = None,
    ) -> DescribeDataBagsResult:
        """List the items of a stack's data bags by bag and name, without their values.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeDataBags", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "Bag": bag, "Level": level, "OwnerId": owner_id}, DescribeDataBagsResult, reads=True)

    def iterate_data_bags(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
        bag: str | None = None,
        level: Literal["app", "instance", "layer", "stack"] | None = None,
        owner_id: str | None = None,
    ) -> Iterator[DataBagItem]:
        """Yield each of the `items` that `describe_data_bags` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeDataBags", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "Bag": bag, "Level": level, "OwnerId": owner_id}, DescribeDataBagsResult, "items")

    def get_data_bag_item(
        self,
        *,
        stack_id: str,
        bag: str,
        item: str,
        level: Literal["app", "instance", "layer", "stack"] | None = None,
        owner_id: str | None = None,
    ) -> GetDataBagItemResult:
        """Read one item of a data bag. Whoever may run recipes may read it, for they can.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("GetDataBagItem", TOQUE, {"StackId": stack_id, "Bag": bag, "Item": item, "Level": level, "OwnerId": owner_id}, GetDataBagItemResult, reads=True)

    def put_data_bag_item(
        self,
        *,
        stack_id: str,
        bag: str,
        item: str,
        value: Mapping[str, Any],
        level: Literal["app", "instance", "layer", "stack"] | None = None,
        owner_id: str | None = None,
        version: int | None = None,
    ) -> PutDataBagItemResult:
        """Write one item of a data bag, whole. Nodes see it with their next run.

        Raises ConflictException when the item no longer has the version that was sent.

        Raises ValidationException or ResourceNotFoundException or ConflictException.
        """
        return self._ask("PutDataBagItem", TOQUE, {"StackId": stack_id, "Bag": bag, "Item": item, "Level": level, "OwnerId": owner_id, "Value": value, "Version": version}, PutDataBagItemResult, reads=False)
