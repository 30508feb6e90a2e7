"""CloneStack: a stack like another one (chapter 01 § 11). What a copy has is decided in `domain/clone.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec

from toque_server.domain import clone
from toque_server.domain.app import App
from toque_server.domain.layer import Layer, check_own_groups
from toque_server.domain.shortname import stack_slug
from toque_server.domain.stack import Stack, check, check_change
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.judged_settings import check_saved
from toque_server.operations.registry import Permission, Result, operation
from toque_server.operations.room import check_room
from toque_server.operations.stacks import StackMembers, changed
from toque_server.store import apps, attributes, cookbooks, data_bags, events, layers, permissions, stacks


class CloneStack(StackMembers, frozen=True, kw_only=True):
    """Members that are not sent have the source's values; only the service role must be named."""

    source_stack_id: str
    name: str | None = None
    region: str | None = None
    vpc_id: str | None = None
    service_role_arn: str
    default_instance_profile_arn: str | None = None
    clone_permissions: bool | None = None
    clone_app_ids: list[str] | None = None


class StackCloned(Result, frozen=True, kw_only=True):
    stack_id: str


@operation(
    permission=Permission.ADMINISTRATOR,
    stack="source_stack_id",
    raises=(ValidationException, ResourceNotFoundException),
)
def clone_stack(ctx: Context, req: CloneStack) -> StackCloned:
    """Make a stack like another one: its settings, its layers, and the apps that are named.

    Copied: every setting of the stack that is not sent, its custom JSON and the credentials of its cookbooks; all
    layers under their short names, with recipes, volumes, groups, passwords and custom JSON; load-based scaling,
    switched off; the apps in `CloneAppIds`, with their secrets; tags; attributes and data bag items of what is copied.
    With `ClonePermissions` also who may do what. `Name` is the source's and "copy" where none is sent.

    Never copied: instances and what belongs to them; databases, load balancers, clusters, addresses and volumes, since
    each can be in one stack only (an app with such a database has the data source `None`); deployments and logs. In
    another `Region` or `VpcId`, zone, VPC and subnet of the source do not count either. The system stays of the same
    family, Linux or Windows, and the configuration manager of the same generation.
    """
    source = finding.stack(ctx, req.source_stack_id)
    chosen = _apps(ctx, source, req.clone_app_ids or ())
    of_layers = layers.of_stack(ctx.conn, source.id)
    check_room(ctx, "stacks")
    copy = _stack(ctx, source, req)
    if not copy.use_opsworks_security_groups:
        check_own_groups(of_layers)
    check_room(ctx, "layers", copy.id, adding=len(of_layers))
    check_room(ctx, "apps", copy.id, adding=len(chosen))
    copies = {source.id: copy.id}
    copies |= _copy_layers(ctx, of_layers, copy.id)
    copies |= _copy_apps(ctx, chosen, copy.id)
    _copy_data(ctx, source.id, copies)
    if req.clone_permissions:
        for record in permissions.of_stack(ctx.conn, source.id).values():
            permissions.put(ctx.conn, msgspec.structs.replace(record, stack_id=copy.id))
    if clone.takes_bundle(copy):
        _take_bundle(ctx, source, copy)
    events.add(
        ctx.conn,
        "stack.created",
        f"stack {copy.name} was made like {source.name}",
        at=ctx.now,
        stack_id=copy.id,
        data={"source_stack_id": source.id},
    )
    return StackCloned(stack_id=copy.id)


def _stack(ctx: Context, source: Stack, req: CloneStack) -> Stack:
    name = req.name or clone.name_of_copy(source.name)
    like = clone.stack(
        source,
        id=ctx.new_id(),
        slug=stack_slug(name, stacks.slugs(ctx.conn, stack_slug(name, ()))),
        at=ctx.now,
        name=name,
        region=req.region or source.region,
        vpc_id=req.vpc_id,
        service_role_arn=req.service_role_arn,
    )
    if req.default_instance_profile_arn is not None:
        like = msgspec.structs.replace(like, default_instance_profile_arn=req.default_instance_profile_arn)
    was = stacks.secrets(ctx.conn, ctx.vault, source.id)
    copy, secrets = changed(like, was, req)
    check_change(source, copy)
    check(copy, secrets, allow_insecure=ctx.settings.allow_insecure_sources)
    if clone.takes_bundle(copy):
        check_saved(ctx, source.cookbook_digest, secrets.custom_json, was.custom_json)
    stacks.add(ctx.conn, ctx.vault, copy, secrets)
    return copy


def _apps(ctx: Context, source: Stack, ids: Sequence[str]) -> list[App]:
    found = {each.id: each for each in apps.of_stacks(ctx.conn, [source.id])}
    for id in ids:
        if id not in found:
            raise ResourceNotFoundException(f"CloneAppIds: unable to find app with ID {id} in stack {source.name}")
    return [each for each in found.values() if each.id in ids]


def _copy_layers(ctx: Context, sources: Sequence[Layer], stack_id: str) -> Mapping[str, str]:
    """From the ids of the source's layers to those of the copies, which stand in the same order."""
    secrets = layers.secrets(ctx.conn, ctx.vault, [each.id for each in sources])
    ids = {each.id: ctx.new_id() for each in sources}
    for number, each in enumerate(sources):
        # Listings go by time of creation.
        at = ctx.now + timedelta(microseconds=number)
        copy = clone.layer(each, id=ids[each.id], stack_id=stack_id, at=at)
        layers.add(ctx.conn, ctx.vault, copy, secrets[each.id])
    return ids


def _copy_apps(ctx: Context, sources: Sequence[App], stack_id: str) -> Mapping[str, str]:
    secrets = apps.secrets(ctx.conn, ctx.vault, [each.id for each in sources])
    ids = {each.id: ctx.new_id() for each in sources}
    for number, each in enumerate(sources):
        copy = clone.app(each, id=ids[each.id], stack_id=stack_id, at=ctx.now + timedelta(microseconds=number))
        apps.add(ctx.conn, ctx.vault, copy, secrets[each.id])
    return ids


def _copy_data(ctx: Context, source_id: str, copies: Mapping[str, str]) -> None:
    """Attributes and data bag items of the stack, its layers and the chosen apps, sealed anew for the copy."""
    stack_id, by = copies[source_id], ctx.caller.arn
    for owner, found in attributes.of(ctx.conn, ctx.vault, source_id, owner_ids=list(copies)).items():
        attributes.put(ctx.conn, ctx.vault, stack_id, found.level, copies[owner], found.text, at=ctx.now, by=by)
    for place in _places(ctx, source_id, copies):
        item = data_bags.get(ctx.conn, ctx.vault, place)
        assert item is not None
        there = msgspec.structs.replace(place, stack_id=stack_id, owner_id=copies[place.owner_id])
        data_bags.put(ctx.conn, ctx.vault, there, item[1], at=ctx.now, by=by)


def _places(ctx: Context, source_id: str, copies: Mapping[str, str]) -> Iterable[data_bags.Place]:
    return [each.place for each in data_bags.listed(ctx.conn, source_id) if each.place.owner_id in copies]


def _take_bundle(ctx: Context, source: Stack, copy: Stack) -> None:
    if source.cookbook_digest is None:
        return
    cookbooks.publish(
        ctx.conn, copy.id, source.cookbook_digest, at=ctx.now, source=f"taken over from stack {source.name}"
    )
    stacks.set_cookbook_digest(ctx.conn, copy.id, source.cookbook_digest)
