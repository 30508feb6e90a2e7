"""Reading one stack whole, as bags and policies want it (chapter 06)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from toque.protocol import custom_facts
from toque_server.domain.app import App, AppSecrets
from toque_server.domain.arn import arn
from toque_server.domain.data_sources import MYSQL_LAYER, mysql_databases
from toque_server.domain.layer import Layer
from toque_server.domain.raid import RaidArray
from toque_server.domain.source import Source, SourceSecrets
from toque_server.domain.stack import Stack, StackSecrets
from toque_server.domain.user import User
from toque_server.domain.volume import Volume
from toque_server.domain.world import (
    AppOf,
    BalancerOf,
    ClusterOf,
    DatabaseOf,
    DataSource,
    EnvironmentVariable,
    HostKeys,
    InstanceOf,
    LayerOf,
    SourceOf,
    StackOf,
    UserOf,
    VolumeConfiguration,
    VolumeOf,
    World,
)
from toque_server.security.envelope import Vault
from toque_server.store import (
    apps,
    balancers,
    database_instances,
    ecs_clusters,
    instances,
    layers,
    raid_arrays,
    stacks,
    volumes,
)
from toque_server.store import tables as t
from toque_server.store.documents import from_row
from toque_server.store.instances import Described

_CHANGE = select(t.stacks.c.change).where(t.stacks.c.id == bindparam("stack"))


def change_of(conn: Connection, stack_id: str) -> int | None:
    """The stack's change number now; None for a stack that is gone."""
    return conn.execute(_CHANGE, {"stack": stack_id}).scalar_one_or_none()


def load(conn: Connection, vault: Vault, stack_id: str, *, account_id: str) -> World | None:
    """The stack as it is in this transaction, secrets in clear; None for a stack that is gone."""
    stack = stacks.get(conn, stack_id)
    if stack is None:
        return None
    own_apps = apps.of_stacks(conn, [stack_id])
    secrets = apps.secrets(conn, vault, [app.id for app in own_apps])
    own_layers = layers.of_stack(conn, stack_id)
    machines = tuple(instance_of(one) for one in instances.described(conn, stack_ids=[stack_id]))
    mysql = _mysql(conn, vault, stack, own_layers, machines, account_id)
    cluster = ecs_clusters.of_stack(conn, stack_id)
    return World(
        change=stack.change,
        stack=stack_of(stack, stacks.secrets(conn, vault, stack_id), account_id),
        layers=tuple(layer_of(layer) for layer in own_layers),
        instances=machines,
        apps=tuple(app_of(app, secrets.get(app.id, AppSecrets())) for app in own_apps),
        users=_users(conn, stack_id),
        databases=_registered(conn, vault, stack_id) + mysql,
        balancers=tuple(
            BalancerOf(name=each.name, dns_name=each.dns_name, layer_id=each.layer_id)
            for each in balancers.of_stack(conn, stack_id)
        ),
        clusters=() if cluster is None else (ClusterOf(arn=cluster.arn, name=cluster.name),),
        volumes=tuple(volume_of(each) for each in volumes.of_stacks(conn, [stack_id])),
        raid_arrays=tuple(raid_array_of(each) for each in raid_arrays.of_stacks(conn, [stack_id])),
    )


def stack_of(stack: Stack, secrets: StackSecrets, account_id: str) -> StackOf:
    return StackOf(
        id=stack.id,
        name=stack.name,
        arn=f"arn:aws:opsworks:{stack.region}:{account_id}:stack/{stack.id}/",
        region=stack.region,
        vpc_id=stack.vpc_id,
        use_custom_cookbooks=stack.use_custom_cookbooks,
        cookbook_digest=stack.cookbook_digest,
        source=_source(stack.custom_cookbooks_source, secrets.source),
        tags=stack.tags,
    )


def layer_of(layer: Layer) -> LayerOf:
    return LayerOf(
        id=layer.id,
        name=layer.name,
        shortname=layer.shortname,
        type=layer.type,
        packages=layer.packages,
        recipes=layer.custom_recipes.by_event(),
        install_updates_on_boot=layer.install_updates_on_boot,
        ecs_cluster_arn=layer.attributes.get("EcsClusterArn"),
        tags=layer.tags,
        volume_configurations=tuple(
            VolumeConfiguration(
                mount_point=volume.mount_point,
                number_of_disks=volume.number_of_disks,
                raid_level=volume.raid_level,
                size=volume.size,
                volume_type=volume.volume_type or "standard",
                iops=volume.iops,
                encrypted=bool(volume.encrypted),
            )
            for volume in layer.volume_configurations
        ),
    )


def instance_of(one: Described) -> InstanceOf:
    """Addresses are the provider's; where it named none, those that the agent reports."""
    instance, details, facts = one.instance, one.details, one.facts
    return InstanceOf(
        id=instance.id,
        hostname=instance.hostname,
        layer_ids=instance.layer_ids,
        status=instance.status.value,
        machine_id=instance.machine_id,
        private_ip=details.private_ip or (facts.private_ip if facts else "") or None,
        public_ip=details.public_ip or (facts.public_ip if facts else "") or None,
        private_dns=details.private_dns,
        public_dns=details.public_dns,
        elastic_ip=one.elastic_ip,
        availability_zone=details.availability_zone,
        subnet_id=details.subnet_id,
        os=details.os,
        ami_id=details.ami_id,
        architecture=(facts.architecture if facts else "") or details.architecture,
        instance_type=details.instance_type,
        virtualization_type=details.virtualization_type or "",
        root_device_type="ebs" if instance.persistent else "instance-store",
        root_device_volume_id=details.root_device_volume_id,
        ebs_optimized=details.ebs_optimized,
        auto_scaling_type=instance.scaling,
        created_at=instance.created_at,
        infrastructure_class=instance.infrastructure_class,
        install_updates_on_boot=details.install_updates_on_boot,
        rsa=HostKeys(public=(facts.ssh_host_key if facts else "") or None),
        facts=custom_facts.values(facts.custom, custom_facts.SEARCHED) if facts else {},
    )


_VOLUME = (
    *("ec2_volume_id", "name", "device", "mount_point", "size", "volume_type", "iops", "encrypted"),
    *("raid_array_id", "instance_id", "status"),
)
_RAID_ARRAY = ("name", "device", "raid_level", "number_of_disks", "size", "mount_point", "instance_id")


def volume_of(volume: Volume) -> VolumeOf:
    fields = {"volume_id": volume.id} | {name: getattr(volume, name) for name in _VOLUME}
    return VolumeOf(id=volume.id, instance_id=volume.instance_id, fields=fields)


def raid_array_of(array: RaidArray) -> VolumeOf:
    fields = {"raid_array_id": array.id} | {name: getattr(array, name) for name in _RAID_ARRAY}
    return VolumeOf(id=array.id, instance_id=array.instance_id, fields=fields)


def app_of(app: App, secrets: AppSecrets) -> AppOf:
    return AppOf(
        id=app.id,
        name=app.name,
        shortname=app.shortname,
        type=app.type,
        source=_source(app.app_source, secrets.source) or SourceOf(),
        attributes=app.attributes,
        data_sources=tuple(
            DataSource(type=one.type or "None", arn=one.arn, database_name=one.database_name)
            for one in app.data_sources
        ),
        domains=app.domains,
        enable_ssl=app.enable_ssl,
        certificate=app.certificate,
        private_key=secrets.private_key,
        chain=app.chain,
        environment=tuple(
            EnvironmentVariable(
                key=one.key,
                value=secrets.environment.get(one.key, one.value) if one.secure else one.value,
                secure=one.secure,
            )
            for one in app.environment
        ),
    )


def _registered(conn: Connection, vault: Vault, stack_id: str) -> tuple[DatabaseOf, ...]:
    found = database_instances.of_stack(conn, stack_id)
    secrets = database_instances.secrets(conn, vault, [each.arn for each in found])
    return tuple(
        DatabaseOf(
            arn=each.arn,
            identifier=each.identifier,
            address=each.address,
            port=each.port,
            engine=each.engine,
            user=each.user,
            password=secrets[each.arn].password,
            region=each.region,
            missing=each.missing,
        )
        for each in found
    )


def _mysql(
    conn: Connection,
    vault: Vault,
    stack: Stack,
    own_layers: Iterable[Layer],
    machines: Iterable[InstanceOf],
    account_id: str,
) -> tuple[DatabaseOf, ...]:
    ids = [layer.id for layer in own_layers if layer.type == MYSQL_LAYER]
    if not ids:
        return ()
    secrets = layers.secrets(conn, vault, ids)
    passwords = {id: secrets[id].attributes.get("MysqlRootPassword") for id in ids}
    arns = {each.id: arn(stack.region, account_id, "instance", each.id) for each in machines}
    return mysql_databases(machines, passwords, arns, stack.region)


def _source(public: Source, secrets: SourceSecrets) -> SourceOf | None:
    if public.type is None and public.url is None:
        return None
    return SourceOf(
        type=public.type or "other",
        url=public.url,
        username=public.username,
        password=secrets.password,
        ssh_key=secrets.ssh_key,
        revision=public.revision,
    )


def _users(conn: Connection, stack_id: str) -> tuple[UserOf, ...]:
    """Users with AllowSsh on this stack, by name."""
    query = (
        select(t.users, t.permissions.c.allow_sudo)
        .join(t.permissions, t.permissions.c.user_arn == t.users.c.arn)
        .where(t.permissions.c.stack_id == stack_id, t.permissions.c.allow_ssh)
        .order_by(t.users.c.name)
    )
    found = []
    for row in conn.execute(query):
        profile = from_row(User, row, t.users).profile
        if profile is not None and profile.uid is not None:
            found.append(
                UserOf(
                    arn=row.arn,
                    username=profile.ssh_username,
                    unix_user_id=profile.uid,
                    ssh_public_key=profile.ssh_public_key,
                    sudo=row.allow_sudo,
                )
            )
    return tuple(found)
