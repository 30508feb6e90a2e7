"""From the answers of Describe… operations, as the wire has them, to the structures of the document.

Every function takes one record, and beside it what other operations say of the same thing. What is as it would be by
itself in a new stack is left out, so that the document stays short.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from toque.stackfile.members import field_name, from_wire
from toque.stackfile.model import (
    FILTERED,
    App,
    BlockDeviceMapping,
    ChefConfiguration,
    CloudWatchLogsConfiguration,
    ConfigurationManager,
    CustomJson,
    DataBags,
    DataSource,
    ElasticIp,
    Instance,
    Layer,
    LifecycleEventConfiguration,
    LoadBasedAutoScaling,
    Permission,
    RdsDbInstance,
    Recipes,
    SecretRef,
    Source,
    SslConfiguration,
    Stack,
    User,
    Volume,
    VolumeConfiguration,
)

Record = Mapping[str, Any]


class SecretNames:
    """Names for the secrets that a server does not tell, each given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def __call__(self, *words: str) -> SecretRef:
        """
        >>> SecretNames()("app", "my-shop", "ssh_key").name
        'APP_MY_SHOP_SSH_KEY'
        """
        stem = re.sub(r"[^A-Z0-9]+", "_", "_".join(words).upper()).strip("_")[:110]
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name)
        return SecretRef(name)

    def if_filtered(self, value: str | None, *words: str) -> SecretRef | None:
        return self(*words) if value == FILTERED else None


def stack_of(
    record: Record,
    names: SecretNames,
    *,
    tags: Mapping[str, str] | None = None,
    strict: bool = False,
    data_bags: DataBags | None = None,
) -> Stack:
    """A record of DescribeStacks; `tags` are those of ListTags."""
    region = record["Region"]
    manager = record.get("ConfigurationManager") or {}
    zone = record.get("DefaultAvailabilityZone")
    return Stack(
        name=record["Name"],
        region=region,
        vpc_id=record.get("VpcId"),
        service_role_arn=record.get("ServiceRoleArn"),
        default_instance_profile_arn=record.get("DefaultInstanceProfileArn"),
        default_os=record.get("DefaultOs"),
        default_root_device_type=record.get("DefaultRootDeviceType") or "ebs",
        default_availability_zone=None if zone == f"{region}a" else zone,
        default_subnet_id=record.get("DefaultSubnetId"),
        default_ssh_key_name=record.get("DefaultSshKeyName") or None,
        hostname_theme=record.get("HostnameTheme") or "Layer_Dependent",
        agent_version=record.get("AgentVersion") or "LATEST",
        configuration_manager=None
        if manager.get("Version") in (None, "12", "12.2")
        else from_wire(ConfigurationManager, manager),
        chef_configuration=from_wire(ChefConfiguration, record.get("ChefConfiguration") or {}),
        use_custom_cookbooks=bool(record.get("UseCustomCookbooks")),
        custom_cookbooks_source=_source(record.get("CustomCookbooksSource"), names, "cookbooks"),
        use_opsworks_security_groups=record.get("UseOpsworksSecurityGroups") is not False,
        strict=strict,
        attributes=_values(record.get("Attributes")),
        tags=dict(tags or {}),
        custom_json=readable(record.get("CustomJson")),
        data_bags=data_bags or {},
    )


def layer_of(
    record: Record,
    names: SecretNames,
    *,
    tags: Mapping[str, str] | None = None,
    inherited_tags: Mapping[str, str] | None = None,
    load_scaling: Record | None = None,
    load_balancer: str | None = None,
    node_attributes: str | None = None,
    data_bags: DataBags | None = None,
) -> Layer:
    """A record of DescribeLayers; `tags` are those of ListTags, of which the inherited ones are the stack's."""
    shortname, custom = record["Shortname"], record["Type"] == "custom"
    volumes = tuple(from_wire(VolumeConfiguration, each) for each in record.get("VolumeConfigurations") or ())
    addresses = bool(record.get("AutoAssignElasticIps"))
    inherited = inherited_tags or {}
    return Layer(
        type=record["Type"],
        name=None if record["Name"] == shortname else record["Name"],
        attributes=_with_secrets(record.get("Attributes"), names, shortname),
        tags={key: value for key, value in (tags or {}).items() if inherited.get(key) != value},
        custom_recipes=from_wire(Recipes, record.get("CustomRecipes") or {}),
        packages=tuple(record.get("Packages") or ()),
        volume_configurations=None if custom and not volumes else volumes,
        custom_security_group_ids=tuple(record.get("CustomSecurityGroupIds") or ()),
        custom_instance_profile_arn=record.get("CustomInstanceProfileArn") or None,
        enable_auto_healing=record.get("EnableAutoHealing") is not False,
        auto_assign_elastic_ips=None if custom and not addresses else addresses,
        auto_assign_public_ips=record.get("AutoAssignPublicIps") is not False,
        install_updates_on_boot=record.get("InstallUpdatesOnBoot") is not False,
        use_ebs_optimized_instances=bool(record.get("UseEbsOptimizedInstances")),
        lifecycle_event_configuration=from_wire(
            LifecycleEventConfiguration, record.get("LifecycleEventConfiguration") or {}
        ),
        cloud_watch_logs_configuration=from_wire(
            CloudWatchLogsConfiguration, record.get("CloudWatchLogsConfiguration") or {}
        ),
        load_based_auto_scaling=from_wire(LoadBasedAutoScaling, load_scaling or {}),
        load_balancer=load_balancer,
        custom_json=readable(record.get("CustomJson")),
        node_attributes=readable(node_attributes),
        data_bags=data_bags or {},
    )


def is_ordered(record: Record) -> bool:
    """Whether an instance of DescribeInstances is one that was ordered: others are machines that came by themselves."""
    return record.get("InfrastructureClass") != "on-premises" and not record.get("RegisteredBy")


def instance_of(
    record: Record,
    stack: Record,
    layers: Mapping[str, Record],
    *,
    schedule: Record | None = None,
    node_attributes: str | None = None,
    data_bags: DataBags | None = None,
) -> Instance:
    """A record of DescribeInstances, of the stack's record and its layers' by id; `schedule` is by day and hour."""
    inherited = {"Os": "DefaultOs", "SshKeyName": "DefaultSshKeyName", "SubnetId": "DefaultSubnetId"}
    inherited |= {"AvailabilityZone": "DefaultAvailabilityZone", "RootDeviceType": "DefaultRootDeviceType"}
    own = {
        field_name(name): record.get(name) if record.get(name) != stack.get(default) else None
        for name, default in inherited.items()
    }
    optimized = bool(record.get("EbsOptimized"))
    as_layers = any(layers[id].get("UseEbsOptimizedInstances") for id in record["LayerIds"])
    devices = record.get("BlockDeviceMappings")
    return Instance(
        layers=tuple(layers[id]["Shortname"] for id in record["LayerIds"]),
        instance_type=record.get("InstanceType"),
        auto_scaling_type=record.get("AutoScalingType"),
        schedule={day.lower(): dict(hours) for day, hours in (schedule or {}).items() if hours},  # type: ignore[misc]
        ami_id=record.get("AmiId"),
        architecture=record.get("Architecture") or "x86_64",
        virtualization_type=record.get("VirtualizationType"),
        block_device_mappings=tuple(from_wire(BlockDeviceMapping, each) for each in devices) if devices else None,
        install_updates_on_boot=record.get("InstallUpdatesOnBoot") is not False,
        ebs_optimized=None if optimized == as_layers else optimized,
        agent_version=record.get("AgentVersion") or "INHERIT",
        tenancy=record.get("Tenancy"),
        node_attributes=readable(node_attributes),
        data_bags=data_bags or {},
        **own,
    )


def app_of(
    record: Record,
    names: SecretNames,
    hosts: Mapping[str, str],
    *,
    node_attributes: str | None = None,
    data_bags: DataBags | None = None,
) -> App:
    """A record of DescribeApps; `hosts` are the stack's host names by the ids of their instances."""
    shortname = record["Shortname"]
    environment = {
        each["Key"]: names("app", shortname, "env", each["Key"]) if each.get("Secure") else each.get("Value") or ""
        for each in record.get("Environment") or ()
    }
    return App(
        type=record["Type"],
        name=None if record["Name"] == shortname else record["Name"],
        description=record.get("Description") or "",
        app_source=_source(record.get("AppSource"), names, "app", shortname),
        data_sources=tuple(_data_source(each, hosts) for each in record.get("DataSources") or ()),
        domains=tuple(record.get("Domains") or ()),
        enable_ssl=bool(record.get("EnableSsl")),
        ssl_configuration=_ssl(record.get("SslConfiguration") or {}, names, shortname),
        attributes=_values(record.get("Attributes")),
        environment=environment,
        node_attributes=readable(node_attributes),
        data_bags=data_bags or {},
    )


def database_of(record: Record, names: SecretNames) -> tuple[str, RdsDbInstance]:
    """A record of DescribeRdsDbInstances: its ARN, and the rest."""
    identifier = record.get("DbInstanceIdentifier") or record["RdsDbInstanceArn"].rpartition(":")[2]
    password = names("database", identifier, "password")
    return record["RdsDbInstanceArn"], RdsDbInstance(db_user=record["DbUser"], db_password=password)


def permission_of(record: Record) -> Permission | None:
    """A record of DescribePermissions; None for one that says nothing: everybody has that."""
    found = Permission(
        level=record.get("Level") or "iam_only",
        allow_ssh=bool(record.get("AllowSsh")),
        allow_sudo=bool(record.get("AllowSudo")),
    )
    return None if found == Permission() else found


def user_of(record: Record) -> User:
    """A record of DescribeUserProfiles."""
    return User(
        ssh_username=record.get("SshUsername"),
        ssh_public_key=record.get("SshPublicKey"),
        allow_self_management=bool(record.get("AllowSelfManagement")),
    )


def user_label(arn: str, account: str | None) -> str:
    """What a user is called in the document: by name, or by ARN if he is of another account, or no user.

    >>> user_label("arn:aws:iam::123456789012:user/ann", "123456789012")
    'ann'
    """
    found = re.fullmatch(r"arn:aws:iam::(\d+):user/([^/]+)", arn)
    return found[2] if found is not None and found[1] == account else arn


def elastic_ip_of(record: Record, hosts: Mapping[str, str]) -> ElasticIp:
    """A record of DescribeElasticIps."""
    return ElasticIp(name=record.get("Name") or None, instance=hosts.get(record.get("InstanceId") or ""))


def volume_of(record: Record, hosts: Mapping[str, str]) -> Volume:
    """A record of DescribeVolumes."""
    return Volume(
        name=record.get("Name") or None,
        mount_point=record.get("MountPoint") or None,
        instance=hosts.get(record.get("InstanceId") or ""),
    )


def bags_of(items: Iterable[tuple[str, str, dict[str, Any]]]) -> DataBags:
    """Bags from (bag, item, value)."""
    bags: DataBags = {}
    for bag, item, value in items:
        bags.setdefault(bag, {})[item] = value
    return bags


def readable(text: str | None) -> CustomJson:
    """A JSON object as a mapping where that loses nothing, so that YAML shows it; else the text as it is.

    >>> readable('{"a":1}')
    '{"a":1}'
    >>> readable('{}')
    {}
    """
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) and json_text(value) == text else text


def json_text(value: Mapping[str, Any]) -> str:
    """The text that a mapping is sent as.

    >>> json_text({"a": 1})
    '{\\n  "a": 1\\n}'
    """
    return json.dumps(value, indent=2, ensure_ascii=False)


def _source(record: Record | None, names: SecretNames, *owner: str) -> Source | None:
    if not record:
        return None
    return Source(
        type=record.get("Type"),
        url=record.get("Url"),
        username=record.get("Username"),
        password=names.if_filtered(record.get("Password"), *owner, "password"),
        ssh_key=names.if_filtered(record.get("SshKey"), *owner, "ssh_key"),
        revision=record.get("Revision"),
    )


def _ssl(record: Record, names: SecretNames, shortname: str) -> SslConfiguration | None:
    found = SslConfiguration(
        certificate=record.get("Certificate"),
        private_key=names.if_filtered(record.get("PrivateKey"), "app", shortname, "ssl_private_key"),
        chain=record.get("Chain"),
    )
    return None if found == SslConfiguration() else found


def _data_source(record: Record, hosts: Mapping[str, str]) -> DataSource:
    arn = record.get("Arn")
    host = hosts.get(arn.rstrip("/").rpartition("/")[2]) if arn and ":instance/" in arn else None
    return DataSource(
        type=record.get("Type") or "None",
        arn=None if host else arn,
        instance=host,
        database_name=record.get("DatabaseName"),
    )


def _values(record: Record | None) -> dict[str, str]:
    return {name: value for name, value in (record or {}).items() if value is not None}


def _with_secrets(record: Record | None, names: SecretNames, shortname: str) -> dict[str, str | SecretRef]:
    return {
        name: names("layer", shortname, field_name(name)) if value == FILTERED else value
        for name, value in (record or {}).items()
        if value is not None
    }
