"""Layers: the kinds of machine a stack is made of (chapter 02)."""

from __future__ import annotations

import secrets as random
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError

from toque_server.domain.arn import arn
from toque_server.domain.ecs_cluster import ATTRIBUTE, check_cluster_of_layer
from toque_server.domain.layer import (
    CUSTOM,
    SHUTDOWN_TIMEOUT,
    Layer,
    LayerSecrets,
    Recipes,
    check,
    check_together,
    kind_of,
    shortname_for,
)
from toque_server.domain.layer_attributes import merge_attributes, shown_attributes
from toque_server.domain.layer_kinds import Kind
from toque_server.domain.layer_types import default_recipes
from toque_server.domain.log_streams import CloudWatchLogsConfiguration, effective
from toque_server.domain.stack import Stack
from toque_server.domain.volume_configuration import VolumeConfiguration
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.judged_settings import check_saved
from toque_server.operations.load_balancers import tell_detached
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.operations.room import check_room
from toque_server.store import balancers, ecs_clusters, events, instances, layers, stacks

_RAISES = (ValidationException, ResourceNotFoundException)


class ShutdownEventConfiguration(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, frozen=True):
    """`execution_timeout` is in seconds."""

    execution_timeout: int | None = None
    delay_until_elb_connections_drained: bool | None = None


class LifecycleEventConfiguration(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, frozen=True):
    shutdown: ShutdownEventConfiguration | None = None


class LayerMembers(Request, frozen=True, kw_only=True):
    """What both CreateLayer and UpdateLayer may say of a layer."""

    attributes: dict[str, str | None] | None = None
    cloud_watch_logs_configuration: CloudWatchLogsConfiguration | None = None
    custom_instance_profile_arn: str | None = None
    custom_json: str | None = None
    custom_security_group_ids: list[str] | None = None
    packages: list[str] | None = None
    volume_configurations: list[VolumeConfiguration] | None = None
    enable_auto_healing: bool | None = None
    auto_assign_elastic_ips: bool | None = None
    auto_assign_public_ips: bool | None = None
    custom_recipes: Recipes | None = None
    install_updates_on_boot: bool | None = None
    use_ebs_optimized_instances: bool | None = None
    lifecycle_event_configuration: LifecycleEventConfiguration | None = None


class CreateLayer(LayerMembers, frozen=True, kw_only=True):
    stack_id: str
    type: str
    name: str
    shortname: str


class LayerCreated(Result, frozen=True, kw_only=True):
    layer_id: str


class UpdateLayer(LayerMembers, frozen=True, kw_only=True):
    layer_id: str
    name: str | None = None
    shortname: str | None = None


class DeleteLayer(Request, frozen=True, kw_only=True):
    layer_id: str


class DescribeLayers(Request, frozen=True, kw_only=True):
    stack_id: str | None = None
    layer_ids: list[str] | None = None


class LayerView(Result, frozen=True, kw_only=True):
    """One layer as OpsWorks showed it."""

    arn: str
    stack_id: str
    layer_id: str
    type: str
    name: str
    shortname: str
    attributes: dict[str, str | None]
    cloud_watch_logs_configuration: CloudWatchLogsConfiguration
    custom_instance_profile_arn: str | None
    custom_json: str | None
    custom_security_group_ids: list[str]
    default_security_group_names: list[str]
    packages: list[str]
    volume_configurations: list[VolumeConfiguration]
    enable_auto_healing: bool
    auto_assign_elastic_ips: bool
    auto_assign_public_ips: bool
    default_recipes: Recipes
    custom_recipes: Recipes
    created_at: str
    install_updates_on_boot: bool
    use_ebs_optimized_instances: bool
    lifecycle_event_configuration: LifecycleEventConfiguration


class LayersDescribed(Result, frozen=True, kw_only=True):
    layers: list[LayerView]


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def create_layer(ctx: Context, req: CreateLayer) -> LayerCreated:
    """Add a layer to a stack.

    `custom` layers run your recipes alone and may be many; of each built-in type there is one per stack, under the
    type's own short name.
    """
    stack = finding.stack(ctx, req.stack_id)
    check_room(ctx, "layers", stack.id)
    kind = kind_of(req.type)
    empty = Layer(
        id=ctx.new_id(),
        stack_id=stack.id,
        type=kind.name,
        name=req.name,
        shortname=shortname_for(kind, req.shortname),
        created_at=ctx.now,
        attributes=dict(kind.defaults),
        volume_configurations=kind.volumes,
        auto_assign_elastic_ips=kind.elastic_ips,
    )
    layer, secrets = _changed(empty, LayerSecrets(attributes=_made_up(kind)), req)
    check(stack, layer, secrets)
    check_saved(ctx, stack.cookbook_digest, secrets.custom_json, None)
    _check_free(ctx, stack, layer)
    _check_cluster(ctx, layer, None)
    try:
        with ctx.conn.begin_nested():
            layers.add(ctx.conn, ctx.vault, layer, secrets)
    except IntegrityError:
        raise _taken(stack, layer) from None
    events.add(ctx.conn, "layer.created", f"layer {layer.name} was created", at=ctx.now, stack_id=stack.id)
    return LayerCreated(layer_id=layer.id)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("layer", "layer_id"), raises=_RAISES)
def update_layer(ctx: Context, req: UpdateLayer) -> None:
    """Change a layer. Members that are not sent stay; a list or object that is sent replaces the old one whole.

    `Attributes` are merged by key; null resets a key to its default. Volumes, groups and addresses are those of
    instances created afterwards; recipes and packages count from the next event on.
    """
    layers.lock(ctx.conn, req.layer_id)
    old = finding.layer(ctx, req.layer_id)
    stack = finding.stack(ctx, old.stack_id)
    was = layers.secrets(ctx.conn, ctx.vault, [old.id])[old.id]
    new, secrets = _changed(old, was, req)
    shortname = old.shortname if req.shortname is None else shortname_for(old.kind, req.shortname)
    new = msgspec.structs.replace(new, name=req.name or old.name, shortname=shortname)
    check(stack, new, secrets)
    check_saved(ctx, stack.cookbook_digest, secrets.custom_json, was.custom_json)
    _check_free(ctx, stack, new)
    _check_cluster(ctx, new, old)
    if new.volume_configurations != old.volume_configurations:
        _check_neighbours(ctx, new)
    try:
        with ctx.conn.begin_nested():
            layers.update(ctx.conn, ctx.vault, new, secrets)
    except IntegrityError:
        raise _taken(stack, new) from None


@operation(permission=Permission.MANAGE, stack=finding.stack_of("layer", "layer_id"), raises=_RAISES)
def delete_layer(ctx: Context, req: DeleteLayer) -> None:
    """Delete a layer that has no instances any more; a registered machine is unassigned first.

    Its load balancer is detached, and stays what it is.
    """
    layers.lock(ctx.conn, req.layer_id)
    layer = finding.layer(ctx, req.layer_id)
    if members := layers.hostnames(ctx.conn, layer.id):
        raise ValidationException(
            f"layer {layer.name} still has instances: {', '.join(members)}; please delete them, or take them out of it"
        )
    balancer = balancers.of_layers(ctx.conn, [layer.id]).get(layer.id)
    layers.remove(ctx.conn, layer)
    if balancer is not None:
        tell_detached(ctx, balancer, layer.name)
    events.add(ctx.conn, "layer.deleted", f"layer {layer.name} was deleted", at=ctx.now, stack_id=layer.stack_id)


@operation(permission=Permission.SHOW, stack=finding.one_of(stack_id="stack", layer_ids="layer"), raises=_RAISES)
def describe_layers(ctx: Context, req: DescribeLayers) -> LayersDescribed:
    """Describe the layers of a stack, or the named ones."""
    if req.stack_id is not None:
        found = layers.of_stack(ctx.conn, req.stack_id)
    else:
        found = list(layers.by_ids(ctx.conn, req.layer_ids or []).values())
    secrets = layers.secrets(ctx.conn, ctx.vault, [each.id for each in found])
    homes = stacks.by_ids(ctx.conn, {each.stack_id for each in found})
    return LayersDescribed(layers=[_view(ctx, homes[each.stack_id], each, secrets[each.id]) for each in found])


_PLAIN = (
    "custom_instance_profile_arn",
    "enable_auto_healing",
    "auto_assign_elastic_ips",
    "auto_assign_public_ips",
    "custom_recipes",
    "install_updates_on_boot",
    "use_ebs_optimized_instances",
)
_LISTS = ("custom_security_group_ids", "packages", "volume_configurations")


def _changed(old: Layer, secrets: LayerSecrets, req: LayerMembers) -> tuple[Layer, LayerSecrets]:
    changes: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(req, name)) is not None}
    changes |= {name: tuple(value) for name in _LISTS if (value := getattr(req, name)) is not None}
    if (lifecycle := req.lifecycle_event_configuration) is not None:
        shutdown = lifecycle.shutdown or ShutdownEventConfiguration()
        timeout, delay = shutdown.execution_timeout, shutdown.delay_until_elb_connections_drained
        changes["shutdown_timeout"] = SHUTDOWN_TIMEOUT if timeout is None else timeout
        changes["delay_until_elb_connections_drained"] = delay is not False
    if (logs := req.cloud_watch_logs_configuration) is not None:
        changes["cloud_watch_logs_configuration"] = effective(logs)
    sent = req.attributes or {}
    public, sealed = merge_attributes(old.kind, old.attributes, secrets.attributes, sent, made_up=_made_up(old.kind))
    custom_json = secrets.custom_json if req.custom_json is None else req.custom_json
    new = msgspec.structs.replace(old, attributes=public, **changes)
    return new, LayerSecrets(custom_json=custom_json, attributes=sealed)


def _made_up(kind: Kind) -> dict[str, str]:
    """Passwords for those that nobody chose."""
    return {key: random.token_urlsafe(12) for key in sorted(kind.generated)}


def _check_free(ctx: Context, stack: Stack, layer: Layer) -> None:
    for other in layers.of_stack(ctx.conn, stack.id):
        if other.id != layer.id and other.shortname == layer.shortname:
            raise _taken(stack, layer)


def _taken(stack: Stack, layer: Layer) -> ValidationException:
    what = f"layer of type {layer.type}" if layer.type != CUSTOM else f"layer with Shortname {layer.shortname}"
    return ValidationException(f"stack {stack.name} already has a {what}", field="Shortname")


def _check_neighbours(ctx: Context, changed: Layer) -> None:
    """Volumes of all layers of one instance have mount points of their own (L-13)."""
    together = {each.layer_ids for each in instances.of_layer(ctx.conn, changed.id)}
    known = layers.by_ids(ctx.conn, {id for ids in together for id in ids}) | {changed.id: changed}
    for ids in together:
        check_together(known[id] for id in ids)


def _check_cluster(ctx: Context, new: Layer, old: Layer | None) -> None:
    """A cluster that the layer is newly given must be the stack's; one deregistered since is left standing."""
    given = new.attributes.get(ATTRIBUTE)
    if given is not None and (old is None or given != old.attributes.get(ATTRIBUTE)):
        check_cluster_of_layer(given, ecs_clusters.of_stack(ctx.conn, new.stack_id))


def _view(ctx: Context, stack: Stack, layer: Layer, secrets: LayerSecrets) -> LayerView:
    same = {name: getattr(layer, name) for name in LayerView.__struct_fields__ if name in Layer.__struct_fields__}
    return LayerView(
        **same
        | {
            "layer_id": layer.id,
            "arn": arn(stack.region, ctx.account_id, "layer", layer.id),
            "attributes": shown_attributes(layer.kind, layer.attributes, secrets.attributes),
            "cloud_watch_logs_configuration": effective(layer.cloud_watch_logs_configuration),
            "custom_json": secrets.custom_json,
            "default_security_group_names": [layer.kind.security_group] if stack.use_opsworks_security_groups else [],
            "default_recipes": msgspec.convert(default_recipes(layer.type), Recipes),
            "created_at": layer.created_at.isoformat(timespec="seconds"),
            "lifecycle_event_configuration": LifecycleEventConfiguration(
                ShutdownEventConfiguration(layer.shutdown_timeout, layer.delay_until_elb_connections_drained)
            ),
        }
    )
