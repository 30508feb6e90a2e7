"""From ids in a request to the records they name, and to the stacks whose levels decide.

Each operation says which member names its object; an id that does not exist is ResourceNotFoundException with the id in
it, to those who may know that (chapter 07 § 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import Connection

from toque_server.domain.app import App
from toque_server.domain.database_instance import DatabaseInstance
from toque_server.domain.ecs_cluster import EcsCluster
from toque_server.domain.elastic_ip import ElasticIp
from toque_server.domain.instance import Instance
from toque_server.domain.layer import Layer
from toque_server.domain.stack import Stack
from toque_server.domain.volume import Volume
from toque_server.operations import access
from toque_server.operations.context import Context
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.operations.registry import StackOf, Stacks
from toque_server.store import (
    apps,
    commands,
    database_instances,
    deployments,
    ecs_clusters,
    elastic_ips,
    instances,
    layers,
    raid_arrays,
    service_errors,
    stacks,
    users,
    volumes,
)

T = TypeVar("T")


def stack(ctx: Context, id: str) -> Stack:
    return _only(stacks.get(ctx.conn, id), "stack", id)


def layer(ctx: Context, id: str) -> Layer:
    return _only(layers.get(ctx.conn, id), "layer", id)


def instance(ctx: Context, id: str) -> Instance:
    return _only(instances.get(ctx.conn, id), "instance", id)


def app(ctx: Context, id: str) -> App:
    return _only(apps.get(ctx.conn, id), "app", id)


def elastic_ip(ctx: Context, ip: str) -> ElasticIp:
    return _only(elastic_ips.get(ctx.conn, ip), "elastic IP", ip)


def volume(ctx: Context, id: str) -> Volume:
    return _only(volumes.get(ctx.conn, id), "volume", id)


def database_instance(ctx: Context, arn: str) -> DatabaseInstance:
    return _only(database_instances.get(ctx.conn, arn), "database instance", arn)


def ecs_cluster(ctx: Context, arn: str) -> EcsCluster:
    return _only(ecs_clusters.get(ctx.conn, arn), "ECS cluster", arn)


def owner(ctx: Context, level: Literal["layer", "app", "instance"], id: str) -> Layer | App | Instance:
    """What attributes and data bag items can belong to, besides the stack."""
    match level:
        case "layer":
            return layer(ctx, id)
        case "app":
            return app(ctx, id)
        case "instance":
            return instance(ctx, id)


def whose(ctx: Context, action: str, arn: str | None) -> str:
    """The ARN of the caller, or of the user whom he names where he is an administrator: for keys, tokens, sessions."""
    wanted = arn or ctx.caller.arn
    if wanted != ctx.caller.arn and not ctx.caller.sees_all:
        raise AccessDeniedException(ctx.caller.arn, action, wanted)
    if users.get(ctx.conn, wanted) is None:
        raise ResourceNotFoundException(f"Unable to find user with ARN {wanted}")
    return wanted


def layers_of(ctx: Context, stack_id: str, ids: Iterable[str]) -> list[Layer]:
    """The named layers, in that order. Raises ResourceNotFoundException for one that is not this stack's."""
    wanted = list(dict.fromkeys(ids))
    found = layers.by_ids(ctx.conn, wanted)
    for id in wanted:
        if id not in found or found[id].stack_id != stack_id:
            raise ResourceNotFoundException(f"Unable to find layer with ID {id} in stack {stack_id}")
    return [found[id] for id in wanted]


def _only(found: T | None, kind: str, id: str) -> T:
    if found is None:
        raise ResourceNotFoundException(f"Unable to find {kind} with ID {id}")
    return found


# -- which stacks a request concerns -----------------------------------------------------------------------------------

_Stacks = Callable[[Connection, Collection[str]], Mapping[str, str]]


def _by_record(load: Callable[[Connection, Collection[str]], Iterable[Any]]) -> _Stacks:
    return lambda conn, ids: {each.id: each.stack_id for each in load(conn, ids)}


def _by_key(load: Callable[[Connection, Collection[str]], Mapping[str, Any]]) -> _Stacks:
    return lambda conn, keys: {key: each.stack_id for key, each in load(conn, keys).items()}


def _apps_dead_or_alive(conn: Connection, ids: Collection[str]) -> Mapping[str, str]:
    found = {each.id: each.stack_id for each in apps.by_ids(conn, ids).values()}
    for id in (each for each in ids if each not in found):
        # Deployments of a deleted app keep its id (E-11).
        if history := deployments.of_app(conn, id):
            found[id] = history[0].stack_id
    return found


_STACKS_OF: Final[Mapping[str, _Stacks]] = {
    "layer": _by_record(lambda conn, ids: layers.by_ids(conn, ids).values()),
    "instance": _by_record(lambda conn, ids: instances.by_ids(conn, ids).values()),
    "app": _by_record(lambda conn, ids: apps.by_ids(conn, ids).values()),
    "app, deleted or not,": _apps_dead_or_alive,
    "deployment": _by_record(deployments.by_ids),
    "command": _by_record(commands.by_ids),
    "elastic IP": _by_key(elastic_ips.by_ips),
    "volume": _by_key(volumes.by_ids),
    "RAID array": _by_key(raid_arrays.by_ids),
    "database instance": _by_key(database_instances.by_arns),
    "ECS cluster": _by_key(ecs_clusters.by_arns),
    "service error": _by_record(service_errors.by_ids),
}


def stack_of(kind: str, field: str) -> StackOf:
    """For `operation(stack=…)`: the stacks of the objects of this kind that `field` names."""

    def find(ctx: Context, request: Any) -> Sequence[str]:
        return _stacks(ctx, request, kind, getattr(request, field))

    return find


def stacks_of(**kinds: str) -> StackOf:
    """For `operation(stack=…)` of a request that names several things: the stacks of all that it names.

    stacks_of(elastic_ip="elastic IP", instance_id="instance")
    """

    def find(ctx: Context, request: Any) -> Sequence[str]:
        named = [(kind, value) for field, kind in kinds.items() if (value := getattr(request, field))]
        return list(dict.fromkeys(id for kind, value in named for id in _stacks(ctx, request, kind, value)))

    return find


def one_of(**kinds: str) -> StackOf:
    """For `operation(stack=…)` of a Describe with selectors: exactly one of the fields must be there (ruling 6).

    one_of(stack_id="stack", layer_ids="layer")
    """

    def find(ctx: Context, request: Any) -> Stacks:
        given = [field for field in kinds if getattr(request, field)]
        if len(given) != 1:
            only = ", and only one of them" if given else ""
            raise ValidationException(f"Please provide either {_choices(request, kinds)}{only}")
        return _stacks(ctx, request, kinds[given[0]], getattr(request, given[0]))

    return find


def _choices(request: Any, fields: Iterable[str]) -> str:
    names = dict(zip(request.__struct_fields__, request.__struct_encode_fields__, strict=True))
    return " or ".join(f"one or more {names[each]}" if each.endswith("s") else names[each] for each in fields)


def _stacks(ctx: Context, request: Any, kind: str, named: str | Sequence[str]) -> Sequence[str]:
    ids = [named] if isinstance(named, str) else list(dict.fromkeys(named))
    if kind == "stack":
        return ids
    found = _STACKS_OF[kind](ctx.conn, ids)
    for id in ids:
        if id not in found:
            noun = kind.partition(",")[0]
            raise access.not_found(ctx, type(request).__name__, f"Unable to find {noun} with ID {id}")
    return list(dict.fromkeys(found.values()))
