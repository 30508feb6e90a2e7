"""Load balancers of layers: attached, detached and described (08 § 5, 02 § 12).

What a balancer does with its members is the balancers' own business; here stands which layer has which.
"""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from toque_server.domain.balancer import Balancer, check_balancer_name, members
from toque_server.domain.instance import Instance
from toque_server.domain.stack import Stack
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import balancers, configures, events, instances, stacks

_RAISES = (ValidationException, ResourceNotFoundException)


class AttachElasticLoadBalancer(Request, frozen=True, kw_only=True):
    elastic_load_balancer_name: str
    layer_id: str


class DetachElasticLoadBalancer(Request, frozen=True, kw_only=True):
    elastic_load_balancer_name: str
    layer_id: str


class DescribeElasticLoadBalancers(Request, frozen=True, kw_only=True):
    stack_id: str | None = None
    layer_ids: list[str] | None = None


class ElasticLoadBalancerView(Result, frozen=True, kw_only=True):
    """One balancer as OpsWorks showed it; zones and subnets are those of the instances that it serves."""

    elastic_load_balancer_name: str
    region: str
    dns_name: str | None
    stack_id: str
    layer_id: str
    vpc_id: str | None
    availability_zones: list[str]
    subnet_ids: list[str]
    ec2_instance_ids: list[str]


class ElasticLoadBalancersDescribed(Result, frozen=True, kw_only=True):
    elastic_load_balancers: list[ElasticLoadBalancerView]


@operation(permission=Permission.MANAGE, stack=finding.stack_of("layer", "layer_id"), raises=_RAISES)
def attach_elastic_load_balancer(ctx: Context, req: AttachElasticLoadBalancer) -> None:
    """Attach a load balancer to a layer: from now on it serves the layer's online instances, and no others.

    A layer has one balancer and a balancer one layer. Every online instance of the stack gets a Configure.
    """
    layer = finding.layer(ctx, req.layer_id)
    stack = finding.stack(ctx, layer.stack_id)
    check_balancer_name(req.elastic_load_balancer_name)
    balancer = Balancer(
        region=stack.region,
        name=req.elastic_load_balancer_name,
        stack_id=stack.id,
        layer_id=layer.id,
        attached_at=ctx.now,
    )
    _check_free(ctx, balancer)
    try:
        with ctx.conn.begin_nested():
            balancers.add(ctx.conn, balancer)
    except IntegrityError:
        # Somebody else was faster; what he attached is there to be seen now.
        _check_free(ctx, balancer)
        raise
    message = f"load balancer {balancer.name} was attached to layer {layer.name}"
    _tell(ctx, balancer, "balancer.attached", message)


@operation(
    permission=Permission.MANAGE, stack=finding.stack_of("layer", "layer_id"), raises=(ResourceNotFoundException,)
)
def detach_elastic_load_balancer(ctx: Context, req: DetachElasticLoadBalancer) -> None:
    """Detach a load balancer from its layer; the balancer itself stays. All online instances get a Configure."""
    layer = finding.layer(ctx, req.layer_id)
    balancer = balancers.of_layers(ctx.conn, [layer.id]).get(layer.id)
    if balancer is None or balancer.name != req.elastic_load_balancer_name:
        has = "has none" if balancer is None else f"has {balancer.name}"
        raise ResourceNotFoundException(
            f"Unable to find load balancer {req.elastic_load_balancer_name} attached to layer {layer.id}: it {has}"
        )
    balancers.remove(ctx.conn, balancer)
    tell_detached(ctx, balancer, layer.name)


@operation(permission=Permission.SHOW, stack=finding.one_of(stack_id="stack", layer_ids="layer"), raises=_RAISES)
def describe_elastic_load_balancers(ctx: Context, req: DescribeElasticLoadBalancers) -> ElasticLoadBalancersDescribed:
    """Describe the load balancers of a stack, or of the named layers, with the instances that they serve now."""
    if req.stack_id is not None:
        found = balancers.of_stack(ctx.conn, req.stack_id)
    else:
        found = list(balancers.of_layers(ctx.conn, req.layer_ids or []).values())
    homes = stacks.by_ids(ctx.conn, {each.stack_id for each in found})
    machines = {home: instances.of_stack(ctx.conn, home) for home in homes}
    return ElasticLoadBalancersDescribed(
        elastic_load_balancers=[
            _view(ctx, homes[each.stack_id], each, members(each.layer_id, machines[each.stack_id])) for each in found
        ]
    )


def tell_detached(ctx: Context, balancer: Balancer, layer_name: str) -> None:
    """A balancer was taken from a layer, also when the layer was deleted: let everybody know."""
    message = f"load balancer {balancer.name} was detached from layer {layer_name}"
    _tell(ctx, balancer, "balancer.detached", message)


def _tell(ctx: Context, balancer: Balancer, kind: str, message: str) -> None:
    configures.touch(ctx.conn, balancer.stack_id, at=ctx.now, cause=message)
    events.add(ctx.conn, kind, message, at=ctx.now, stack_id=balancer.stack_id)


def _check_free(ctx: Context, wanted: Balancer) -> None:
    there = balancers.of_layers(ctx.conn, [wanted.layer_id]).get(wanted.layer_id)
    if there is not None and there.name == wanted.name:
        raise ValidationException(f"load balancer {wanted.name} is attached to this layer already")
    if there is not None:
        raise ValidationException(
            f"the layer has the load balancer {there.name}, and a layer has one: please detach that first, or attach"
            f" {wanted.name} to another layer of the same instances",
            field="LayerId",
        )
    elsewhere = balancers.get(ctx.conn, wanted.region, wanted.name)
    if elsewhere is not None:
        where = "a layer of another stack"
        if elsewhere.stack_id == wanted.stack_id:
            where = f"layer {finding.layer(ctx, elsewhere.layer_id).name}"
        raise ValidationException(
            f"load balancer {wanted.name} is attached to {where}, and a balancer has one layer: please detach it there"
            " first",
            field="ElasticLoadBalancerName",
        )


def _view(ctx: Context, stack: Stack, balancer: Balancer, serving: list[Instance]) -> ElasticLoadBalancerView:
    by_id = instances.details(ctx.conn, [each.id for each in serving])
    details = by_id.values()
    return ElasticLoadBalancerView(
        elastic_load_balancer_name=balancer.name,
        region=balancer.region,
        dns_name=balancer.dns_name,
        stack_id=balancer.stack_id,
        layer_id=balancer.layer_id,
        vpc_id=stack.vpc_id,
        availability_zones=sorted({each.availability_zone for each in details if each.availability_zone}),
        subnet_ids=sorted({each.subnet_id for each in details if each.subnet_id}),
        ec2_instance_ids=[id for each in serving if (id := each.machine_id or by_id[each.id].cloud_id) is not None],
    )
