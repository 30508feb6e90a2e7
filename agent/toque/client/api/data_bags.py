"""Operations on data bags. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from toque.client.structures import (
    DescribeDataBagsResult,
    GetDataBagItemResult,
    PutDataBagItemResult,
)
from toque.client.calling import TOQUE, Calls


class DataBagsCalls(Calls):
    """Operations on data bags."""

    def delete_data_bag_item(
        self,
        *,
        stack_id: str,
        bag: str,
        item: str,
        level: Literal["app", "instance", "layer", "stack"] | None = None,
        owner_id: str | None = None,
    ) -> None:
        """Delete one item of a data bag.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteDataBagItem", TOQUE, {"StackId": stack_id, "Bag": bag, "Item": item, "Level": level, "OwnerId": owner_id}, reads=False)

    def describe_data_bags(
        self,
        *,
        stack_id: str,
        bag: str | None = None,
    ) -> DescribeDataBagsResult:
        """List the items of a stack's data bags, without their values.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeDataBags", TOQUE, {"StackId": stack_id, "Bag": bag}, DescribeDataBagsResult, reads=True)

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
