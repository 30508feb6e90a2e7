"""Elastic IPs: addresses that a stack keeps, and that its instances take turns to have (chapter 08 § 2).

What stands here is a record: it is the stack's, the instance shows it as `ElasticIp`, and recipes see it. Where the
stack's provider has such addresses it carries out what the record says; elsewhere whoever routes the address does.
"""

from __future__ import annotations

from msgspec.structs import replace

from toque_server.domain.elastic_ip import ElasticIp, check_address, check_name, check_place
from toque_server.domain.stack import Stack
from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ThrottlingException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import configures, elastic_ips, events, instances, stacks

_RAISES = (ValidationException, ResourceNotFoundException)


class RegisterElasticIp(Request, frozen=True, kw_only=True):
    elastic_ip: str
    stack_id: str


class ElasticIpRegistered(Result, frozen=True, kw_only=True):
    elastic_ip: str


class AssociateElasticIp(Request, frozen=True, kw_only=True):
    elastic_ip: str
    instance_id: str | None = None


class DisassociateElasticIp(Request, frozen=True, kw_only=True):
    elastic_ip: str


class UpdateElasticIp(Request, frozen=True, kw_only=True):
    elastic_ip: str
    name: str | None = None


class DeregisterElasticIp(Request, frozen=True, kw_only=True):
    elastic_ip: str


class DescribeElasticIps(Request, frozen=True, kw_only=True):
    instance_id: str | None = None
    stack_id: str | None = None
    ips: list[str] | None = None


class ElasticIpView(Result, frozen=True, kw_only=True):
    """One address as OpsWorks showed it. `domain` is `vpc` in a stack that has a VPC, else `standard`."""

    ip: str
    name: str | None
    domain: str
    region: str
    instance_id: str | None


class ElasticIpsDescribed(Result, frozen=True, kw_only=True):
    elastic_ips: list[ElasticIpView]


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def register_elastic_ip(ctx: Context, req: RegisterElasticIp) -> ElasticIpRegistered:
    """Register an IPv4 address with a stack, so that its instances may have it.

    An address is registered with one stack at a time: deregister it there before you register it here.
    """
    address = ElasticIp(ip=check_address(req.elastic_ip), stack_id=req.stack_id, created_at=ctx.now)
    if not elastic_ips.add(ctx.conn, address):
        raise ValidationException(f"{address.ip} is registered already: {_home(ctx, address.ip)}", field="ElasticIp")
    _tell(ctx, address, "registered", f"{address.ip} was registered")
    return ElasticIpRegistered(elastic_ip=address.ip)


@operation(
    permission=Permission.MANAGE,
    stack=finding.stacks_of(elastic_ip="elastic IP", instance_id="instance"),
    raises=_RAISES,
)
def associate_elastic_ip(ctx: Context, req: AssociateElasticIp) -> None:
    """Put an address on an instance of its stack, whatever the instance's status; every online instance configures.

    It is taken from the instance that has it now, without asking; another address of the new one is free afterwards.
    Where it is there already, this is a success that changes nothing.
    """
    if req.instance_id is None:
        raise ValidationException(
            "InstanceId is required: the instance that is to have the address", field="InstanceId"
        )
    seen = finding.elastic_ip(ctx, req.elastic_ip)
    held = instances.held(ctx.conn, [each for each in (req.instance_id, seen.instance_id) if each is not None])
    if (instance := held.get(req.instance_id)) is None:
        raise ResourceNotFoundException(f"Unable to find instance with ID {req.instance_id}")
    check_place(seen, instance)
    if seen.instance_id == instance.id:
        return
    if not elastic_ips.place(ctx.conn, seen, instance.id):
        raise _overtaken(seen)
    before = f", from {held[seen.instance_id].hostname}" if seen.instance_id in held else ""
    message = f"{seen.ip} is on {instance.hostname} now{before}"
    _tell(ctx, seen, "associated", message, instance_id=instance.id)
    configures.touch(ctx.conn, seen.stack_id, at=ctx.now, cause=message)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("elastic IP", "elastic_ip"), raises=_RAISES)
def disassociate_elastic_ip(ctx: Context, req: DisassociateElasticIp) -> None:
    """Take an address from its instance; it stays registered with the stack, and every online instance configures.

    Where no instance has it, this is a success that changes nothing.
    """
    seen = finding.elastic_ip(ctx, req.elastic_ip)
    if seen.instance_id is not None:
        instances.held(ctx.conn, [seen.instance_id])
        if not elastic_ips.place(ctx.conn, seen, None):
            raise _overtaken(seen)
        _tell_disassociated(ctx, seen)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("elastic IP", "elastic_ip"), raises=_RAISES)
def update_elastic_ip(ctx: Context, req: UpdateElasticIp) -> None:
    """Give an address a name of at most 32 characters."""
    seen = finding.elastic_ip(ctx, req.elastic_ip)
    if req.name is not None:
        check_name(req.name)
        elastic_ips.rename(ctx.conn, replace(seen, name=req.name))


@operation(permission=Permission.MANAGE, stack=finding.stack_of("elastic IP", "elastic_ip"), raises=_RAISES)
def deregister_elastic_ip(ctx: Context, req: DeregisterElasticIp) -> None:
    """Forget an address, so that another stack may register it; nothing else becomes of it.

    One that an instance has is disassociated first: every online instance configures.
    """
    seen = finding.elastic_ip(ctx, req.elastic_ip)
    if seen.instance_id is not None:
        instances.held(ctx.conn, [seen.instance_id])
    if not elastic_ips.remove(ctx.conn, seen):
        raise _overtaken(seen)
    if seen.instance_id is not None:
        _tell_disassociated(ctx, seen)
    _tell(ctx, seen, "deregistered", f"{seen.ip} was deregistered")


@operation(
    permission=Permission.SHOW,
    stack=finding.one_of(stack_id="stack", instance_id="instance", ips="elastic IP"),
    raises=_RAISES,
)
def describe_elastic_ips(ctx: Context, req: DescribeElasticIps) -> ElasticIpsDescribed:
    """Describe the addresses of a stack, of an instance, or the named ones."""
    if req.ips:
        found = list(elastic_ips.by_ips(ctx.conn, req.ips).values())
    elif req.instance_id is not None:
        only = elastic_ips.of_instance(ctx.conn, req.instance_id)
        found = [] if only is None else [only]
    else:
        found = elastic_ips.of_stacks(ctx.conn, [req.stack_id] if req.stack_id else [])
    homes = stacks.by_ids(ctx.conn, {each.stack_id for each in found})
    return ElasticIpsDescribed(elastic_ips=[_view(each, homes[each.stack_id]) for each in found])


def _view(address: ElasticIp, home: Stack) -> ElasticIpView:
    return ElasticIpView(
        ip=address.ip,
        name=address.name,
        domain="standard" if home.vpc_id is None else "vpc",
        region=home.region,
        instance_id=address.instance_id,
    )


def _home(ctx: Context, ip: str) -> str:
    """Where an address is registered, to those who may know; and what to do."""
    seen = elastic_ips.get(ctx.conn, ip)
    known = {each.id for each in access.shown(ctx, "DescribeElasticIps")}
    where = f" with stack {seen.stack_id}" if seen is not None and seen.stack_id in known else " with its stack"
    return f"please deregister it{where} first"


def _tell_disassociated(ctx: Context, seen: ElasticIp) -> None:
    message = f"{seen.ip} is on no instance any more"
    _tell(ctx, seen, "disassociated", message, instance_id=seen.instance_id)
    configures.touch(ctx.conn, seen.stack_id, at=ctx.now, cause=message)


def _tell(ctx: Context, address: ElasticIp, what: str, message: str, *, instance_id: str | None = None) -> None:
    events.add(ctx.conn, f"elastic_ip.{what}", message, at=ctx.now, stack_id=address.stack_id, instance_id=instance_id)


def _overtaken(address: ElasticIp) -> ThrottlingException:
    return ThrottlingException(f"{address.ip} was changed at the same moment: please try again")
