"""Data bags: values for recipes that are not attributes; kept sealed, and seen only by the nodes they are for."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar, Literal

import msgspec

from toque_server.domain.custom_json import LIMIT, check_bag_name
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ConflictException, ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import data_bags
from toque_server.store.data_bags import ItemInfo, Place

_RAISES = (ValidationException, ResourceNotFoundException)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")

Level = Literal["stack", "layer", "app", "instance"]


class ItemOf(Request, frozen=True, kw_only=True):
    """Which item: of the stack itself, or at `level` of the object `owner_id` (a layer, an app, an instance)."""

    stack_id: str
    bag: str
    item: str
    level: Level = "stack"
    owner_id: str | None = None


class PutDataBagItem(ItemOf, frozen=True, kw_only=True):
    """`version`: write only if the item still has it (0: only if it does not exist); None: write in any case."""

    value: dict[str, Any]
    version: int | None = None


class DataBagItemPut(Result, frozen=True, kw_only=True):
    version: int


class GetDataBagItem(ItemOf, frozen=True, kw_only=True):
    pass


class DataBagItem(Result, frozen=True, kw_only=True):
    value: dict[str, Any]
    version: int
    updated_at: datetime
    updated_by: str


class DescribeDataBags(Paged, frozen=True, kw_only=True):
    """Of a whole stack, or only those of one bag, one level, one owner; at most 1,000 on a page."""

    largest: ClassVar[int] = 1000

    stack_id: str
    bag: str | None = None
    level: Level | None = None
    owner_id: str | None = None


class DataBagItemView(Result, frozen=True, kw_only=True):
    bag: str
    item: str
    level: str
    owner_id: str
    version: int
    updated_at: datetime
    updated_by: str


class DataBagsDescribed(Result, frozen=True, kw_only=True):
    items: list[DataBagItemView]
    next_token: str | None


class DeleteDataBagItem(ItemOf, frozen=True, kw_only=True):
    """`version`: delete only if the item still has it."""

    version: int | None = None


class DeleteDataBag(Request, frozen=True, kw_only=True):
    """`level` and `owner_id`: only the items there; without them at every level."""

    stack_id: str
    bag: str
    level: Level | None = None
    owner_id: str | None = None


class DataBagDeleted(Result, frozen=True, kw_only=True):
    items_deleted: int


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=(*_RAISES, ConflictException))
def put_data_bag_item(ctx: Context, req: PutDataBagItem) -> DataBagItemPut:
    """Write one item of a data bag, whole. Nodes see it with their next run.

    Raises ConflictException when the item no longer has the version that was sent.
    """
    place = _place(ctx, req)
    if (size := len(msgspec.json.encode(req.value))) > LIMIT:
        raise ValidationException(f"Value is too large: {size} bytes, the maximum is {LIMIT} bytes", field="Value")
    version = data_bags.put(ctx.conn, ctx.vault, place, req.value, at=ctx.now, by=ctx.caller.arn, version=req.version)
    if version is None:
        raise _changed_since(req, req.version)
    return DataBagItemPut(version=version)


@operation(permission=Permission.DEPLOY, target=TOQUE, stack="stack_id", raises=_RAISES)
def get_data_bag_item(ctx: Context, req: GetDataBagItem) -> DataBagItem:
    """Read one item of a data bag. Whoever may run recipes may read it, for they can."""
    place = _place(ctx, req)
    found = data_bags.get(ctx.conn, ctx.vault, place)
    if found is None:
        raise _no_item(place)
    info, value = found
    return DataBagItem(value=value, version=info.version, updated_at=info.updated_at, updated_by=info.updated_by)


@operation(permission=Permission.SHOW, target=TOQUE, stack="stack_id", raises=_RAISES)
def describe_data_bags(ctx: Context, req: DescribeDataBags) -> DataBagsDescribed:
    """List the items of a stack's data bags by bag and name, without their values."""
    owner_id = _chosen(ctx, req.stack_id, req.level, req.owner_id)
    found = data_bags.listed(ctx.conn, req.stack_id, bag=req.bag, level=req.level, owner_id=owner_id)
    shown, token = page(ctx, req, found, key=_key)
    return DataBagsDescribed(items=[_view(each) for each in shown], next_token=token)


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=(*_RAISES, ConflictException))
def delete_data_bag_item(ctx: Context, req: DeleteDataBagItem) -> None:
    """Delete one item of a data bag.

    Raises ConflictException when the item no longer has the version that was sent.
    """
    place = _place(ctx, req)
    if not data_bags.remove(ctx.conn, place, version=req.version):
        if req.version is None or data_bags.get(ctx.conn, ctx.vault, place) is None:
            raise _no_item(place)
        raise _changed_since(req, req.version)


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=_RAISES)
def delete_data_bag(ctx: Context, req: DeleteDataBag) -> DataBagDeleted:
    """Delete every item of a data bag, at one level or at all."""
    owner_id = _chosen(ctx, req.stack_id, req.level, req.owner_id)
    found = data_bags.listed(ctx.conn, req.stack_id, bag=req.bag, level=req.level, owner_id=owner_id)
    if not found:
        at = "" if req.level is None else f" at level {req.level}"
        raise ResourceNotFoundException(f"Unable to find data bag {req.bag} in stack {req.stack_id}{at}")
    return DataBagDeleted(items_deleted=sum(data_bags.remove(ctx.conn, each.place) for each in found))


def _owner(ctx: Context, stack_id: str, level: Level, owner_id: str | None) -> str:
    """The id of the object at `level`, which must be the stack's."""
    if level == "stack":
        if owner_id not in (None, stack_id):
            raise ValidationException(
                "OwnerId of level stack is the stack itself: please leave it out", field="OwnerId"
            )
        return stack_id
    if owner_id is None:
        raise ValidationException(f"OwnerId is missing: which {level}?", field="OwnerId")
    found = finding.owner(ctx, level, owner_id)
    if found.stack_id != stack_id:
        raise ResourceNotFoundException(f"Unable to find {level} with ID {owner_id} in stack {stack_id}")
    return owner_id


def _place(ctx: Context, req: ItemOf) -> Place:
    check_bag_name(req.bag)
    for member, name in (("Bag", req.bag), ("Item", req.item)):
        if not _NAME.fullmatch(name):
            raise ValidationException(
                f"{member} {name!r} is not allowed: 1 to 128 letters, digits, '_', '-' and '.'", field=member
            )
    owner_id = _owner(ctx, req.stack_id, req.level, req.owner_id)
    return Place(stack_id=req.stack_id, level=req.level, owner_id=owner_id, bag=req.bag, item=req.item)


def _chosen(ctx: Context, stack_id: str, level: Level | None, owner_id: str | None) -> str | None:
    """The owner that a filter names; None for all. Raises as `_owner`."""
    if level is None and owner_id is not None:
        raise ValidationException("Level is missing: is OwnerId a layer, an app or an instance?", field="Level")
    return None if level is None or owner_id is None else _owner(ctx, stack_id, level, owner_id)


def _key(info: ItemInfo) -> str:
    return "\0".join((info.place.bag, info.place.item, info.place.level, info.place.owner_id))


def _changed_since(req: ItemOf, version: int | None) -> ConflictException:
    return ConflictException(
        f"{req.bag}/{req.item} is not at version {version} any more: please read it again, and change that"
    )


def _no_item(place: Place) -> ResourceNotFoundException:
    return ResourceNotFoundException(
        f"Unable to find item {place.item} in data bag {place.bag} of {place.level} {place.owner_id}"
    )


def _view(info: ItemInfo) -> DataBagItemView:
    place = info.place
    return DataBagItemView(
        bag=place.bag,
        item=place.item,
        level=place.level,
        owner_id=place.owner_id,
        version=info.version,
        updated_at=info.updated_at,
        updated_by=info.updated_by,
    )
