"""The items of the nine bags as every node of a stack may read them: one function per bag, field by field (06 § 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from toque_server.domain.data_sources import database_of
from toque_server.domain.world import (
    AppOf,
    BalancerOf,
    ClusterOf,
    DatabaseOf,
    DataSource,
    InstanceOf,
    LayerOf,
    SourceOf,
    StackOf,
    UserOf,
    VolumeConfiguration,
)

Item = dict[str, Any]

_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_-]")


def sanitised(text: str) -> str:
    """An item name made from an ARN or a balancer's name (§ 2).

    >>> sanitised("arn:aws:rds:us-west-2:850906259207:db:dummy-project")
    'arn_aws_rds_us-west-2_850906259207_db_dummy-project'
    """
    return _NOT_IN_NAME.sub("_", text)


def moment(at: datetime) -> str:
    """A time as recipes read it: `2015-11-18T00:21:05+00:00`."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def stack_item(stack: StackOf) -> Item:
    source = stack.source or SourceOf()
    item: Item = {
        "id": stack.id,
        "stack_id": stack.id,
        "name": stack.name,
        "arn": stack.arn,
        "region": stack.region,
        "vpc_id": stack.vpc_id,
        "use_custom_cookbooks": stack.use_custom_cookbooks,
        "custom_cookbooks_source": {
            "type": source.type,
            "url": source.url,
            "username": source.username,
            "password": None,
            "ssh_key": None,
            "revision": source.revision,
        },
    }
    return item | _tags(stack.tags)


def layer_item(layer: LayerOf) -> Item:
    item: Item = {
        "id": layer.shortname,
        "layer_id": layer.id,
        "name": layer.name,
        "shortname": layer.shortname,
        "type": layer.type,
        "packages": list(layer.packages),
        "volume_configurations": [_volume_configuration(volume) for volume in layer.volume_configurations],
    }
    if layer.ecs_cluster_arn is not None:
        item["ecs_cluster_arn"] = layer.ecs_cluster_arn
    return item | _tags(layer.tags)


def _tags(tags: Mapping[str, str]) -> Item:
    """Only where there are any. From the stack's and the layers' own tags each node makes those that hold (08 § 11)."""
    return {"tags": dict(tags)} if tags else {}


def _volume_configuration(volume: VolumeConfiguration) -> Item:
    return {
        "mount_point": volume.mount_point,
        "number_of_disks": volume.number_of_disks,
        "raid_level": volume.raid_level,
        "size": volume.size,
        "volume_type": volume.volume_type,
        "iops": volume.iops,
        "encrypted": volume.encrypted,
    }


def instance_item(instance: InstanceOf) -> Item:
    """As all nodes see it: `self` false, no private host key. A node to which facts were given has `facts`, too."""
    return ({"facts": instance.facts} if instance.facts else {}) | {
        "id": instance.hostname,
        "instance_id": instance.id,
        "ec2_instance_id": instance.machine_id,
        "hostname": instance.hostname,
        "layer_ids": list(instance.layer_ids),
        "self": False,
        "status": instance.status,
        "private_ip": instance.private_ip,
        "public_ip": instance.public_ip,
        "private_dns": instance.private_dns,
        "public_dns": instance.public_dns,
        "elastic_ip": instance.elastic_ip,
        "availability_zone": instance.availability_zone,
        "subnet_id": instance.subnet_id,
        "os": instance.os,
        "ami_id": instance.ami_id,
        "architecture": instance.architecture,
        "instance_type": instance.instance_type,
        "virtualization_type": instance.virtualization_type,
        "root_device_type": instance.root_device_type,
        "root_device_volume_id": instance.root_device_volume_id,
        "ebs_optimized": instance.ebs_optimized,
        "auto_scaling_type": instance.auto_scaling_type,
        "created_at": moment(instance.created_at),
        "infrastructure_class": instance.infrastructure_class,
        "ssh_host_rsa_key_fingerprint": instance.rsa.fingerprint,
        "ssh_host_rsa_key_public": instance.rsa.public,
        "ssh_host_rsa_key_private": None,
        "ssh_host_dsa_key_fingerprint": None,
        "ssh_host_dsa_key_public": None,
        "ssh_host_dsa_key_private": None,
    }


def self_item(instance: InstanceOf) -> Item:
    """As the node itself sees it."""
    return instance_item(instance) | {"self": True, "ssh_host_rsa_key_private": instance.rsa.private}


def app_item(app: AppOf, databases: Iterable[DatabaseOf] = ()) -> Item:
    """As all nodes see it: no keys, no passwords, protected variables null, `deploy` false."""
    attributes, database = app.attributes, app_database(app, databases)
    return {
        "id": app.shortname,
        "app_id": app.id,
        "name": app.name,
        "shortname": app.shortname,
        "type": app.type,
        "deploy": False,
        "app_source": {
            "type": app.source.type,
            "url": app.source.url,
            "user": app.source.username,
            "password": None,
            "ssh_key": None,
            "revision": app.source.revision,
        },
        "attributes": {
            "document_root": attributes.get("DocumentRoot"),
            "auto_bundle_on_deploy": (attributes.get("AutoBundleOnDeploy") or "true").lower() == "true",
            "rails_env": attributes.get("RailsEnv"),
            "aws_flow_ruby_settings": {},
        },
        "data_sources": [_data_source(source) for source in app.data_sources] or [{"type": "None"}],
        "domains": [domain for domain in app.domains if domain != app.shortname] + [app.shortname],
        "enable_ssl": app.enable_ssl,
        "ssl_configuration": {"certificate": app.certificate, "private_key": None, "chain": app.chain},
        "environment": {variable.key: None if variable.secure else variable.value for variable in app.environment},
        "database": {key: None if key == "password" else value for key, value in database.items()},
    }


def app_database(app: AppOf, databases: Iterable[DatabaseOf]) -> Item:
    """The ready-made connection of an app: the nine keys of 05 § 5.1, or nothing at all without a data source."""
    source = next((source for source in app.data_sources if source.type != "None"), None)
    db = None if source is None else database_of(source, databases)
    if source is None or db is None:
        return {}
    engine = db.engine or "mysql"
    return {
        "host": db.address,
        "port": db.port,
        "database": source.database_name or app.shortname,
        "username": db.user,
        "password": db.password,
        "adapter": "mysql2" if engine == "mysql" and app.type == "rails" else engine,
        "type": "postgresql" if "postgres" in engine else "mysql",
        "data_source_provider": db.provider,
        "reconnect": True,
    }


def _data_source(source: DataSource) -> Item:
    return {"type": source.type, "arn": source.arn, "database_name": source.database_name}


def user_item(user: UserOf) -> Item:
    return {
        "id": user.username,
        "username": user.username,
        "iam_user_arn": user.arn,
        "unix_user_id": user.unix_user_id,
        "ssh_public_key": user.ssh_public_key,
        "administrator_privileges": user.sudo,
        "remote_access": False,
    }


def database_item(db: DatabaseOf) -> Item:
    return {
        "id": sanitised(db.arn),
        "rds_db_instance_arn": db.arn,
        "db_instance_identifier": db.identifier,
        "address": db.address,
        "port": db.port,
        "engine": db.engine,
        "db_user": db.user,
        "db_password": None,
        "region": db.region,
        "missing_on_rds": db.missing,
    }


def balancer_item(balancer: BalancerOf) -> Item:
    return {
        "id": sanitised(balancer.name),
        "elastic_load_balancer_name": balancer.name,
        "dns_name": balancer.dns_name,
        "layer_id": balancer.layer_id,
    }


def cluster_item(cluster: ClusterOf) -> Item:
    return {"id": sanitised(cluster.arn), "ecs_cluster_arn": cluster.arn, "ecs_cluster_name": cluster.name}


def command_item(
    *,
    command_id: str,
    type: str,
    args: Mapping[str, Any],
    sent_at: datetime,
    user_arn: str | None,
    instance_id: str,
    deployment_id: str | None,
    comment: str | None,
    elected: str | None,
) -> Item:
    """The one item of `aws_opsworks_command`; `sent_at` is the time of the first dispatch (E-18).

    `elected` is the instance of a deployment that does what is done once; in a command without deployment it is not.
    """
    return ({} if elected is None else {"elected": elected}) | {
        "id": command_id,
        "command_id": command_id,
        "type": type,
        "args": {"app_ids": [], **args},
        "sent_at": moment(sent_at),
        "iam_user_arn": user_arn,
        "instance_id": instance_id,
        "deployment_id": deployment_id,
        "comment": comment,
    }
