"""Instances: ordered, changed and described (chapter 03 §§ 1 to 3). Started and stopped they are in `power`."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError

from toque_server.domain.arn import arn
from toque_server.domain.ecs_cluster import ATTRIBUTE
from toque_server.domain.host_key import rsa_fingerprint
from toque_server.domain.hostname import check_hostname, suggest
from toque_server.domain.instance import Instance, Status
from toque_server.domain.instance_details import (
    CUSTOM,
    BlockDeviceMapping,
    InstanceDetails,
    check,
    check_fixed,
    check_os,
    check_os_change,
    check_root_and_scaling,
)
from toque_server.domain.layer import Layer, check_together
from toque_server.domain.schedule import Schedule
from toque_server.domain.stack import Stack
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.operations.room import check_room
from toque_server.store import events, instances, layers, service_errors, stacks
from toque_server.store.instances import Described

_RAISES = (ValidationException, ResourceNotFoundException)
_EDITABLE = frozenset({Status.STOPPED, Status.START_FAILED})
_ALWAYS_EDITABLE = ("agent_version", "install_updates_on_boot")


class CreateInstance(Request, frozen=True, kw_only=True):
    stack_id: str
    layer_ids: list[str]
    instance_type: str
    auto_scaling_type: str | None = None
    hostname: str | None = None
    os: str | None = None
    ami_id: str | None = None
    ssh_key_name: str | None = None
    availability_zone: str | None = None
    virtualization_type: str | None = None
    subnet_id: str | None = None
    architecture: str | None = None
    root_device_type: str | None = None
    block_device_mappings: list[BlockDeviceMapping] | None = None
    install_updates_on_boot: bool | None = None
    ebs_optimized: bool | None = None
    agent_version: str | None = None
    tenancy: str | None = None


class InstanceCreated(Result, frozen=True, kw_only=True):
    instance_id: str


class UpdateInstance(Request, frozen=True, kw_only=True):
    instance_id: str
    layer_ids: list[str] | None = None
    instance_type: str | None = None
    auto_scaling_type: str | None = None
    hostname: str | None = None
    os: str | None = None
    ami_id: str | None = None
    ssh_key_name: str | None = None
    architecture: str | None = None
    install_updates_on_boot: bool | None = None
    ebs_optimized: bool | None = None
    agent_version: str | None = None


class DescribeInstances(Request, frozen=True, kw_only=True):
    stack_id: str | None = None
    layer_id: str | None = None
    instance_ids: list[str] | None = None


class ReportedOs(Result, frozen=True, kw_only=True):
    family: str | None = None
    name: str | None = None
    version: str | None = None


class InstanceView(Result, frozen=True, kw_only=True):
    """One instance as OpsWorks showed it."""

    agent_version: str
    ami_id: str | None
    architecture: str
    arn: str
    auto_scaling_type: str | None
    availability_zone: str | None
    block_device_mappings: tuple[BlockDeviceMapping, ...] | None
    created_at: str
    ebs_optimized: bool
    ec2_instance_id: str | None
    ecs_cluster_arn: str | None
    ecs_container_instance_arn: str | None = None
    elastic_ip: str | None
    hostname: str
    infrastructure_class: str
    install_updates_on_boot: bool
    instance_id: str
    instance_profile_arn: str | None
    instance_type: str | None
    last_service_error_id: str | None
    layer_ids: tuple[str, ...]
    os: str | None
    platform: str | None = None
    private_dns: str | None
    private_ip: str | None
    public_dns: str | None
    public_ip: str | None
    registered_by: str | None
    reported_agent_version: str | None
    reported_os: ReportedOs
    root_device_type: str
    root_device_volume_id: str | None
    security_group_ids: tuple[str, ...]
    ssh_host_dsa_key_fingerprint: str | None = None
    ssh_host_rsa_key_fingerprint: str | None
    ssh_key_name: str | None
    stack_id: str
    status: str
    subnet_id: str | None
    tenancy: str | None
    virtualization_type: str | None


class InstancesDescribed(Result, frozen=True, kw_only=True):
    instances: list[InstanceView]


class GetHostnameSuggestion(Request, frozen=True, kw_only=True):
    layer_id: str


class HostnameSuggested(Result, frozen=True, kw_only=True):
    layer_id: str
    hostname: str


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def create_instance(ctx: Context, req: CreateInstance) -> InstanceCreated:
    """Add an instance to one or more layers of a stack. It is a record, `stopped`, until it is started.

    Without `Hostname` it gets the stack's theme's next name for its first layer. `RootDeviceType` `ebs` keeps its disk
    when it is stopped, `instance-store` loses it.
    """
    stack = finding.stack(ctx, req.stack_id)
    check_room(ctx, "instances", stack.id)
    chosen = _layers(ctx, stack, req.layer_ids)
    taken = instances.hostnames(ctx.conn, stack.id)
    root = req.root_device_type or stack.default_root_device_type
    check_root_and_scaling(stack, root, req.auto_scaling_type)
    os = req.os or stack.default_os
    check_os(stack, os)
    details = InstanceDetails(
        instance_type=req.instance_type,
        os=os,
        ami_id=req.ami_id,
        ssh_key_name=req.ssh_key_name or stack.default_ssh_key_name,
        availability_zone=req.availability_zone or stack.default_availability_zone,
        subnet_id=req.subnet_id or stack.default_subnet_id,
        virtualization_type=req.virtualization_type,
        architecture=req.architecture or "x86_64",
        block_device_mappings=() if os in CUSTOM else tuple(req.block_device_mappings or ()),
        install_updates_on_boot=req.install_updates_on_boot is not False,
        ebs_optimized=any(each.use_ebs_optimized_instances for each in chosen)
        if req.ebs_optimized is None
        else req.ebs_optimized,
        agent_version=req.agent_version or "INHERIT",
        tenancy=req.tenancy,
    )
    check(stack, details)
    hostname = req.hostname or suggest(stack.hostname_theme, chosen[0].shortname, taken, windows=stack.is_windows)
    instance = Instance(
        id=ctx.new_id(),
        stack_id=stack.id,
        hostname=_free(check_hostname(hostname, windows=stack.is_windows), taken),
        layer_ids=tuple(each.id for each in chosen),
        status=Status.STOPPED,
        since=ctx.now,
        persistent=root == "ebs",
        infrastructure_class="ec2",
        provider=ctx.settings.region(stack.region).provider,
        scaling=req.auto_scaling_type,
        created_at=ctx.now,
    )
    try:
        with ctx.conn.begin_nested():
            instances.add(ctx.conn, instance, details)
    except IntegrityError:
        raise _taken(instance.hostname) from None
    events.add(
        ctx.conn,
        "instance.created",
        f"instance {instance.hostname} was created",
        at=ctx.now,
        stack_id=stack.id,
        instance_id=instance.id,
    )
    return InstanceCreated(instance_id=instance.id)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("instance", "instance_id"), raises=_RAISES)
def update_instance(ctx: Context, req: UpdateInstance) -> None:
    """Change an instance that is stopped. Its agent version and boot updates may be changed at any time.

    What is sent as it is already counts as not sent. The schedule of a time-based instance ends with that type.
    """
    instances.held(ctx.conn, [req.instance_id])
    old = finding.instance(ctx, req.instance_id)
    if not old.provider:
        raise ValidationException(
            f"{old.hostname} is a registered machine and cannot be changed from here: its layers are changed with"
            " UnassignInstance and AssignInstance, and its name by registering it anew"
        )
    stack = finding.stack(ctx, old.stack_id)
    known = instances.details(ctx.conn, [old.id])[old.id]
    new = _changed(ctx, stack, old, req)
    details = _changed_details(stack, old, known, req)
    if new.scaling != "timer":
        details = msgspec.structs.replace(details, schedule=Schedule())
    _check_editable(old, new, known, details)
    check(stack, details)
    try:
        with ctx.conn.begin_nested():
            swapped = instances.swap(ctx.conn, old, new)
    except IntegrityError:
        raise _taken(new.hostname) from None
    if not swapped:
        raise ValidationException(f"{old.hostname} was changed by somebody else meanwhile: please try again")
    instances.set_details(ctx.conn, new, details)


@operation(
    permission=Permission.SHOW,
    stack=finding.one_of(stack_id="stack", layer_id="layer", instance_ids="instance"),
    raises=_RAISES,
)
def describe_instances(ctx: Context, req: DescribeInstances) -> InstancesDescribed:
    """Describe the instances of a stack, of a layer, or the named ones."""
    if req.stack_id is not None:
        found = instances.described(ctx.conn, stack_ids=[req.stack_id])
    elif req.layer_id is not None:
        found = instances.described(ctx.conn, layer_id=req.layer_id)
    else:
        found = instances.described(ctx.conn, ids=req.instance_ids or [])
    homes = stacks.by_ids(ctx.conn, {each.instance.stack_id for each in found})
    theirs = [layer for home in homes for layer in layers.of_stack(ctx.conn, home)]
    profiles = {each.id: each.custom_instance_profile_arn for each in theirs if each.custom_instance_profile_arn}
    clusters = {each.id: each.attributes[ATTRIBUTE] for each in theirs if ATTRIBUTE in each.attributes}
    errors = service_errors.last_by_instance(ctx.conn, list(homes))
    return InstancesDescribed(
        instances=[
            _view(ctx, each, homes[each.instance.stack_id], profiles, clusters, errors.get(each.instance.id))
            for each in found
        ]
    )


@operation(permission=Permission.MANAGE, stack=finding.stack_of("layer", "layer_id"), raises=_RAISES)
def get_hostname_suggestion(ctx: Context, req: GetHostnameSuggestion) -> HostnameSuggested:
    """The host name that the stack's theme gives the layer's next instance; nothing is reserved."""
    layer = finding.layer(ctx, req.layer_id)
    stack = finding.stack(ctx, layer.stack_id)
    taken = instances.hostnames(ctx.conn, stack.id)
    hostname = suggest(stack.hostname_theme, layer.shortname, taken, windows=stack.is_windows)
    return HostnameSuggested(layer_id=layer.id, hostname=hostname)


def _layers(ctx: Context, stack: Stack, ids: list[str]) -> list[Layer]:
    if not ids:
        raise ValidationException("LayerIds must name at least one layer", field="LayerIds")
    chosen = finding.layers_of(ctx, stack.id, ids)
    check_together(chosen)
    return chosen


def _changed(ctx: Context, stack: Stack, old: Instance, req: UpdateInstance) -> Instance:
    new = old
    if req.layer_ids is not None:
        chosen = _layers(ctx, stack, req.layer_ids)
        new = msgspec.structs.replace(new, layer_ids=tuple(each.id for each in chosen))
    if req.hostname is not None:
        others = instances.hostnames(ctx.conn, stack.id) - {old.hostname}
        hostname = _free(check_hostname(req.hostname, windows=stack.is_windows), others)
        new = msgspec.structs.replace(new, hostname=hostname)
    if req.auto_scaling_type is not None:
        check_root_and_scaling(stack, "ebs" if old.persistent else "instance-store", req.auto_scaling_type)
        new = msgspec.structs.replace(new, scaling=req.auto_scaling_type)
    return new


_PLAIN = ("instance_type", "ssh_key_name", "architecture", "install_updates_on_boot", "agent_version")


def _changed_details(stack: Stack, old: Instance, known: InstanceDetails, req: UpdateInstance) -> InstanceDetails:
    changes: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(req, name)) is not None}
    check_fixed("AmiId", known.ami_id, req.ami_id)
    check_fixed("EbsOptimized", known.ebs_optimized, req.ebs_optimized)
    if req.os is not None and req.os != known.os:
        check_os_change(stack, old, known, req.os)
        changes["os"] = req.os
    return msgspec.structs.replace(known, **changes)


def _check_editable(old: Instance, new: Instance, known: InstanceDetails, details: InstanceDetails) -> None:
    always = {name: getattr(known, name) for name in _ALWAYS_EDITABLE}
    if new == old and msgspec.structs.replace(details, **always) == known:
        return
    if old.status not in _EDITABLE:
        raise ValidationException(f"{old.hostname} is {old.status}: please stop it before you change it")
    if old.heal_id is not None:
        raise ValidationException(f"{old.hostname} is being healed: please wait, or stop it before you change it")


def _free(hostname: str, taken: set[str]) -> str:
    if hostname in taken:
        raise _taken(hostname)
    return hostname


def _taken(hostname: str) -> ValidationException:
    return ValidationException(f"Hostname {hostname} is taken in this stack: please choose another", field="Hostname")


_UNREPORTED = ReportedOs()


def _view(
    ctx: Context,
    found: Described,
    stack: Stack,
    profiles: dict[str, str],
    clusters: dict[str, str],
    service_error_id: str | None,
) -> InstanceView:
    instance, details, facts = found.instance, found.details, found.facts
    profile = stack.default_instance_profile_arn
    if profiles:
        profile = next((profiles[each] for each in instance.layer_ids if each in profiles), profile)
    reported = _UNREPORTED
    if facts is not None:
        reported = ReportedOs(
            family=facts.os_family or None, name=facts.os_name or None, version=facts.os_version or None
        )
    return InstanceView(
        agent_version=details.agent_version,
        ami_id=details.ami_id,
        architecture=details.architecture,
        arn=arn(stack.region, ctx.account_id, "instance", instance.id),
        auto_scaling_type=instance.scaling,
        availability_zone=details.availability_zone,
        block_device_mappings=details.block_device_mappings or None,
        created_at=instance.created_at.isoformat(timespec="seconds"),
        ebs_optimized=details.ebs_optimized,
        ec2_instance_id=instance.machine_id or details.cloud_id,
        ecs_cluster_arn=next((clusters[each] for each in instance.layer_ids if each in clusters), None),
        elastic_ip=found.elastic_ip,
        hostname=instance.hostname,
        infrastructure_class=instance.infrastructure_class,
        install_updates_on_boot=details.install_updates_on_boot,
        instance_id=instance.id,
        instance_profile_arn=profile,
        instance_type=details.instance_type or None,
        last_service_error_id=service_error_id,
        layer_ids=instance.layer_ids,
        os=details.os or None,
        private_dns=details.private_dns,
        private_ip=details.private_ip or (facts and facts.private_ip) or None,
        public_dns=details.public_dns,
        public_ip=details.public_ip or (facts and facts.public_ip) or None,
        registered_by=details.registered_by,
        reported_agent_version=found.agent_version or None,
        reported_os=reported,
        root_device_type="ebs" if instance.persistent else "instance-store",
        root_device_volume_id=details.root_device_volume_id,
        security_group_ids=(),
        ssh_host_rsa_key_fingerprint=rsa_fingerprint(facts.ssh_host_key) if facts is not None else None,
        ssh_key_name=details.ssh_key_name,
        stack_id=instance.stack_id,
        status=instance.status.value,
        subnet_id=details.subnet_id,
        tenancy=details.tenancy,
        virtualization_type=details.virtualization_type,
    )
