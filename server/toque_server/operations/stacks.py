"""Stacks: what everything else belongs to (chapter 01)."""

from __future__ import annotations

from typing import Any

import msgspec

from toque_server.domain.arn import arn
from toque_server.domain.layer import check_own_groups
from toque_server.domain.operating_systems import DEFAULT_OS, family_of
from toque_server.domain.shortname import stack_slug
from toque_server.domain.source import Source, join, merge, shown, split
from toque_server.domain.stack import (
    ChefConfiguration,
    ConfigurationManager,
    Stack,
    StackSecrets,
    check,
    check_change,
)
from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.judged_settings import check_saved
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.operations.room import check_room
from toque_server.store import events, layers, stacks

_BERKSHELF = "3.2.0"


class StackMembers(Request, frozen=True, kw_only=True):
    """What CreateStack, CloneStack and UpdateStack may say of a stack."""

    attributes: dict[str, str | None] | None = None
    default_os: str | None = None
    hostname_theme: str | None = None
    default_availability_zone: str | None = None
    default_subnet_id: str | None = None
    custom_json: str | None = None
    configuration_manager: ConfigurationManager | None = None
    chef_configuration: ChefConfiguration | None = None
    use_custom_cookbooks: bool | None = None
    use_opsworks_security_groups: bool | None = None
    custom_cookbooks_source: Source | None = None
    default_ssh_key_name: str | None = None
    default_root_device_type: str | None = None
    agent_version: str | None = None


class CreateStack(StackMembers, frozen=True, kw_only=True):
    name: str
    region: str
    vpc_id: str | None = None
    service_role_arn: str
    default_instance_profile_arn: str


class StackCreated(Result, frozen=True, kw_only=True):
    stack_id: str


class UpdateStack(StackMembers, frozen=True, kw_only=True):
    stack_id: str
    name: str | None = None
    service_role_arn: str | None = None
    default_instance_profile_arn: str | None = None


class DeleteStack(Request, frozen=True, kw_only=True):
    stack_id: str


class DescribeStacks(Request, frozen=True, kw_only=True):
    stack_ids: list[str] | None = None


class StackView(Result, frozen=True, kw_only=True):
    """One stack as OpsWorks showed it."""

    stack_id: str
    name: str
    arn: str
    region: str
    vpc_id: str | None
    attributes: dict[str, str]
    service_role_arn: str
    default_instance_profile_arn: str
    default_os: str
    hostname_theme: str
    default_availability_zone: str | None
    default_subnet_id: str | None
    custom_json: str | None
    configuration_manager: ConfigurationManager
    chef_configuration: ChefConfiguration
    use_custom_cookbooks: bool
    use_opsworks_security_groups: bool
    custom_cookbooks_source: Source
    default_ssh_key_name: str | None
    created_at: str
    default_root_device_type: str
    agent_version: str


class StacksDescribed(Result, frozen=True, kw_only=True):
    stacks: list[StackView]


class DescribeStackSummary(Request, frozen=True, kw_only=True):
    stack_id: str


class InstancesCount(Result, frozen=True, kw_only=True):
    """How many instances are in each status; those in which none is are left out (S-24)."""

    assigning: int | None = None
    booting: int | None = None
    connection_lost: int | None = None
    deregistering: int | None = None
    online: int | None = None
    pending: int | None = None
    rebooting: int | None = None
    registered: int | None = None
    registering: int | None = None
    requested: int | None = None
    running_setup: int | None = None
    setup_failed: int | None = None
    shutting_down: int | None = None
    start_failed: int | None = None
    stop_failed: int | None = None
    stopped: int | None = None
    stopping: int | None = None
    terminated: int | None = None
    terminating: int | None = None
    unassigning: int | None = None


class StackSummary(Result, frozen=True, kw_only=True):
    stack_id: str
    name: str
    arn: str
    layers_count: int
    apps_count: int
    instances_count: InstancesCount


class StackSummarised(Result, frozen=True, kw_only=True):
    stack_summary: StackSummary


@operation(permission=Permission.ADMINISTRATOR, raises=(ValidationException,))
def create_stack(ctx: Context, req: CreateStack) -> StackCreated:
    """Create a stack. Its region picks the provider of its instances, and neither ever changes.

    The service role and the instance profile are kept for OpsWorks clients; any ARN will do where no cloud is behind
    the region.
    """
    check_room(ctx, "stacks")
    windows = family_of(req.default_os or DEFAULT_OS) == "Windows"
    slug = stack_slug(req.name, stacks.slugs(ctx.conn, stack_slug(req.name, ())))
    empty = Stack(
        id=ctx.new_id(),
        name=req.name,
        slug=slug,
        region=req.region,
        created_at=ctx.now,
        service_role_arn=req.service_role_arn,
        default_instance_profile_arn=req.default_instance_profile_arn,
        vpc_id=req.vpc_id,
        default_availability_zone=f"{req.region}a",
        configuration_manager=ConfigurationManager("Chef", "12.2" if windows else "12"),
    )
    stack, secrets = changed(empty, StackSecrets(), req)
    check(stack, secrets, allow_insecure=ctx.settings.allow_insecure_sources)
    stacks.add(ctx.conn, ctx.vault, stack, secrets)
    events.add(ctx.conn, "stack.created", f"stack {stack.name} was created", at=ctx.now, stack_id=stack.id)
    return StackCreated(stack_id=stack.id)


@operation(permission=Permission.MANAGE, stack="stack_id", raises=(ValidationException, ResourceNotFoundException))
def update_stack(ctx: Context, req: UpdateStack) -> None:
    """Change a stack's settings; members that are not sent keep their value.

    New defaults count for instances created afterwards. A secret sent back as `*****FILTERED*****` stays what it is.
    """
    stacks.lock(ctx.conn, req.stack_id)
    old = finding.stack(ctx, req.stack_id)
    if req.service_role_arn is not None and req.service_role_arn != old.service_role_arn:
        raise ValidationException(
            "ServiceRoleArn cannot change: please leave it out, or send the stored one", field="ServiceRoleArn"
        )
    was = stacks.secrets(ctx.conn, ctx.vault, old.id)
    new, secrets = changed(old, was, req)
    new = msgspec.structs.replace(
        new,
        name=req.name or old.name,
        default_instance_profile_arn=req.default_instance_profile_arn or old.default_instance_profile_arn,
    )
    check_change(old, new)
    check(new, secrets, allow_insecure=ctx.settings.allow_insecure_sources)
    check_saved(ctx, new.cookbook_digest, secrets.custom_json, was.custom_json)
    if old.use_opsworks_security_groups and not new.use_opsworks_security_groups:
        check_own_groups(layers.of_stack(ctx.conn, old.id))
    stacks.update(ctx.conn, new)
    stacks.set_secrets(ctx.conn, ctx.vault, new.id, secrets)


@operation(permission=Permission.MANAGE, stack="stack_id", raises=(ValidationException, ResourceNotFoundException))
def delete_stack(ctx: Context, req: DeleteStack) -> None:
    """Delete a stack that has no instances, layers and apps any more; its permissions and history go with it."""
    stack = finding.stack(ctx, req.stack_id)
    number_of_layers, number_of_apps, by_status = stacks.counts(ctx.conn, stack.id)
    left = {"instances": sum(by_status.values()), "layers": number_of_layers, "apps": number_of_apps}
    if blockers := [f"{number} {kind}" for kind, number in left.items() if number]:
        raise ValidationException(
            f"stack {stack.name} still has {', '.join(blockers)}: please delete them before the stack"
        )
    stacks.remove(ctx.conn, stack.id)
    events.add(ctx.conn, "stack.deleted", f"stack {stack.name} was deleted", at=ctx.now, data={"stack_id": stack.id})


def _named_stacks(_ctx: Context, req: DescribeStacks) -> list[str] | None:
    return req.stack_ids or None


@operation(permission=Permission.SHOW, stack=_named_stacks, raises=(ValidationException, ResourceNotFoundException))
def describe_stacks(ctx: Context, req: DescribeStacks) -> StacksDescribed:
    """Describe the named stacks, or without ids every stack that the caller may see.

    Whose access comes from policies for certain stacks has to name them.
    """
    ids = req.stack_ids or [each.id for each in access.listed(ctx, "DescribeStacks")]
    found = stacks.by_ids(ctx.conn, ids)
    return StacksDescribed(stacks=[_view(ctx, found[id]) for id in dict.fromkeys(ids) if id in found])


@operation(permission=Permission.SHOW, stack="stack_id", raises=(ValidationException, ResourceNotFoundException))
def describe_stack_summary(ctx: Context, req: DescribeStackSummary) -> StackSummarised:
    """Count a stack's layers and apps, and its instances by status."""
    stack = finding.stack(ctx, req.stack_id)
    number_of_layers, number_of_apps, by_status = stacks.counts(ctx.conn, stack.id)
    return StackSummarised(
        stack_summary=StackSummary(
            stack_id=stack.id,
            name=stack.name,
            arn=arn(stack.region, ctx.account_id, "stack", stack.id),
            layers_count=number_of_layers,
            apps_count=number_of_apps,
            instances_count=InstancesCount(**by_status),
        )
    )


_PLAIN = (
    "default_os",
    "hostname_theme",
    "default_availability_zone",
    "default_subnet_id",
    "use_custom_cookbooks",
    "use_opsworks_security_groups",
    "default_ssh_key_name",
    "default_root_device_type",
    "agent_version",
)


def changed(old: Stack, secrets: StackSecrets, req: StackMembers) -> tuple[Stack, StackSecrets]:
    """The stack as the request wants it: absent members stay, maps and the source merge."""
    changes: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(req, name)) is not None}
    if req.attributes is not None:
        merged = {**old.attributes, **req.attributes}
        changes["attributes"] = {key: value for key, value in merged.items() if value is not None}
    if (manager := req.configuration_manager) is not None:
        was = old.configuration_manager
        changes["configuration_manager"] = ConfigurationManager(
            manager.name or was.name, manager.version or was.version
        )
    if (chef := req.chef_configuration) is not None:
        managed = old.chef_configuration.manage_berkshelf if chef.manage_berkshelf is None else chef.manage_berkshelf
        version = (
            chef.berkshelf_version or old.chef_configuration.berkshelf_version or (_BERKSHELF if managed else None)
        )
        changes["chef_configuration"] = ChefConfiguration(managed, version)
    source = join(old.custom_cookbooks_source, secrets.source)
    if req.custom_cookbooks_source is not None:
        source = merge(source, req.custom_cookbooks_source)
    public, sealed = split(source)
    custom_json = secrets.custom_json if req.custom_json is None else req.custom_json
    new = msgspec.structs.replace(old, custom_cookbooks_source=public, **changes)
    return new, StackSecrets(custom_json=custom_json, source=sealed)


def _view(ctx: Context, stack: Stack) -> StackView:
    secrets = stacks.secrets(ctx.conn, ctx.vault, stack.id)
    same = {name: getattr(stack, name) for name in StackView.__struct_fields__ if name in Stack.__struct_fields__}
    chef = stack.chef_configuration
    return StackView(
        **same
        | {
            "stack_id": stack.id,
            "arn": arn(stack.region, ctx.account_id, "stack", stack.id),
            "custom_json": secrets.custom_json,
            "custom_cookbooks_source": shown(stack.custom_cookbooks_source, secrets.source),
            "chef_configuration": msgspec.structs.replace(chef, manage_berkshelf=bool(chef.manage_berkshelf)),
            "created_at": stack.created_at.isoformat(timespec="seconds"),
        }
    )
