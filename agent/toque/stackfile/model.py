"""The document: a stack with everything in it, by names and never by ids.

Fields are called as the members of OpsWorks' operations, in snake case. Things are keyed by what people call them: a
layer and an app by short name, an instance by host name, a user by name (or ARN, where he is of another account).

A field with a default has it where the file does not say otherwise. A field whose default is None is not managed where
it is left out: the server's choice, or whatever is there, stays. The same goes for a section of `StackFile` that is
None; one that is there, empty or not, is the whole of its kind (what else the server has is deleted with `--prune`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal

import msgspec

FILTERED: Final = "*****FILTERED*****"
"""What the server answers in place of a secret; sent back, it keeps the secret."""

ROLE: Final = "arn:aws:iam::123456789012:role/toque"
PROFILE: Final = "arn:aws:iam::123456789012:instance-profile/toque"
"""What a stack is given that names none: they count where a cloud is behind the region."""

SECRET_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class SecretRef(msgspec.Struct, frozen=True):
    """`!secret NAME`: stands for a value that is in no file. It is filled when it is sent, from what was given."""

    name: str

    def __str__(self) -> str:
        return f"!secret {self.name}"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Any structure of the document."""


CustomJson = dict[str, Any] | str
"""A JSON object: as a mapping, compared by value; or as text, which is kept byte for byte. `{}` is none."""

DataBags = dict[str, dict[str, dict[str, Any]]]
"""Bag, item, value. Any string in a value may be a SecretRef."""


class Source(Part, frozen=True, kw_only=True):
    """Where code comes from. `type` is git, svn, archive, s3 or other."""

    type: str | None = None
    url: str | None = None
    username: str | None = None
    password: SecretRef | None = None
    ssh_key: SecretRef | None = None
    revision: str | None = None


class ConfigurationManager(Part, frozen=True, kw_only=True):
    name: str | None = None
    version: str | None = None


class ChefConfiguration(Part, frozen=True, kw_only=True):
    manage_berkshelf: bool = False
    berkshelf_version: str | None = None


class Stack(Part, frozen=True, kw_only=True):
    """The stack's own settings. Its `region`, `vpc_id` and `service_role_arn` never change."""

    name: str
    region: str | None = None
    vpc_id: str | None = None
    service_role_arn: str | None = None
    default_instance_profile_arn: str | None = None
    default_os: str | None = None
    default_root_device_type: Literal["ebs", "instance-store"] = "ebs"
    default_availability_zone: str | None = None
    default_subnet_id: str | None = None
    default_ssh_key_name: str | None = None
    hostname_theme: str = "Layer_Dependent"
    agent_version: str = "LATEST"
    configuration_manager: ConfigurationManager | None = None
    chef_configuration: ChefConfiguration = ChefConfiguration()
    use_custom_cookbooks: bool = False
    custom_cookbooks_source: Source | None = None
    use_opsworks_security_groups: bool = True
    strict: bool = False
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    custom_json: CustomJson = {}
    data_bags: DataBags = {}


class User(Part, frozen=True, kw_only=True):
    """A profile, made where the server has none under this name; one that is there is never changed."""

    ssh_username: str | None = None
    ssh_public_key: str | None = None
    allow_self_management: bool = False


class Permission(Part, frozen=True, kw_only=True):
    level: Literal["deny", "show", "deploy", "manage", "iam_only"] = "iam_only"
    allow_ssh: bool = False
    allow_sudo: bool = False


class RdsDbInstance(Part, frozen=True, kw_only=True):
    db_user: str
    db_password: SecretRef | None = None


class Recipes(Part, frozen=True, kw_only=True):
    setup: tuple[str, ...] = ()
    configure: tuple[str, ...] = ()
    deploy: tuple[str, ...] = ()
    undeploy: tuple[str, ...] = ()
    shutdown: tuple[str, ...] = ()


class VolumeConfiguration(Part, frozen=True, kw_only=True):
    """`size` is in GiB."""

    mount_point: str
    number_of_disks: int
    size: int
    raid_level: int | None = None
    volume_type: str | None = None
    iops: int | None = None
    encrypted: bool | None = None


class ShutdownEventConfiguration(Part, frozen=True, kw_only=True):
    """`execution_timeout` is in seconds."""

    execution_timeout: int = 120
    delay_until_elb_connections_drained: bool = True


class LifecycleEventConfiguration(Part, frozen=True, kw_only=True):
    shutdown: ShutdownEventConfiguration = ShutdownEventConfiguration()


class LogStream(Part, frozen=True, kw_only=True):
    """`buffer_duration` is in milliseconds, `batch_size` in bytes."""

    file: str
    log_group_name: str | None = None
    datetime_format: str | None = None
    time_zone: str | None = None
    file_fingerprint_lines: str = "1"
    multi_line_start_pattern: str | None = None
    initial_position: str = "start_of_file"
    encoding: str = "utf_8"
    buffer_duration: int = 5000
    batch_count: int = 1000
    batch_size: int = 32_768


class CloudWatchLogsConfiguration(Part, frozen=True, kw_only=True):
    enabled: bool = False
    log_streams: tuple[LogStream, ...] = ()


class UpScaling(Part, frozen=True, kw_only=True):
    """Times are in minutes, CPU and memory in percent; -1 is a threshold that is not looked at."""

    instance_count: int = 1
    thresholds_wait_time: int = 5
    ignore_metrics_time: int = 5
    cpu_threshold: float = 80.0
    memory_threshold: float | None = None
    load_threshold: float | None = None
    alarms: tuple[str, ...] = ()


class DownScaling(UpScaling, frozen=True, kw_only=True):
    thresholds_wait_time: int = 10
    ignore_metrics_time: int = 10
    cpu_threshold: float = 30.0


class LoadBasedAutoScaling(Part, frozen=True, kw_only=True):
    enable: bool = False
    up_scaling: UpScaling = UpScaling()
    down_scaling: DownScaling = DownScaling()


class Layer(Part, frozen=True, kw_only=True):
    """`name` is the short name where it is left out. `attributes` are merged by key, as the server does it.

    `node_attributes` are what recipes read in `node[…]` for this layer; `load_balancer` is the name of its balancer.
    """

    type: str = "custom"
    name: str | None = None
    attributes: dict[str, str | SecretRef] = {}
    tags: dict[str, str] = {}
    custom_recipes: Recipes = Recipes()
    packages: tuple[str, ...] = ()
    volume_configurations: tuple[VolumeConfiguration, ...] | None = None
    custom_security_group_ids: tuple[str, ...] = ()
    custom_instance_profile_arn: str | None = None
    enable_auto_healing: bool = True
    auto_assign_elastic_ips: bool | None = None
    auto_assign_public_ips: bool = True
    install_updates_on_boot: bool = True
    use_ebs_optimized_instances: bool = False
    lifecycle_event_configuration: LifecycleEventConfiguration = LifecycleEventConfiguration()
    cloud_watch_logs_configuration: CloudWatchLogsConfiguration = CloudWatchLogsConfiguration()
    load_based_auto_scaling: LoadBasedAutoScaling = LoadBasedAutoScaling()
    load_balancer: str | None = None
    custom_json: CustomJson = {}
    node_attributes: CustomJson = {}
    data_bags: DataBags = {}


class Ebs(Part, frozen=True, kw_only=True):
    snapshot_id: str | None = None
    iops: int | None = None
    volume_size: int | None = None
    volume_type: str | None = None
    delete_on_termination: bool | None = None


class BlockDeviceMapping(Part, frozen=True, kw_only=True):
    device_name: str | None = None
    no_device: str | None = None
    virtual_name: str | None = None
    ebs: Ebs | None = None


Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Hours = dict[str, Literal["on", "off"]]
"""By hour, "0" to "23", in UTC; an hour that is missing is off. In a file also as ranges: `8-18` or `8-12, 14-18`."""


class Instance(Part, frozen=True, kw_only=True):
    """An instance as it was ordered, whether it runs or not. `layers` are short names, in order.

    `auto_scaling_type` is `timer` (then with a `schedule`), `load`, or left out: up until somebody stops it.
    """

    layers: tuple[str, ...]
    instance_type: str | None = None
    auto_scaling_type: Literal["timer", "load"] | None = None
    schedule: dict[Day, Hours] = {}
    os: str | None = None
    ami_id: str | None = None
    ssh_key_name: str | None = None
    availability_zone: str | None = None
    subnet_id: str | None = None
    architecture: str = "x86_64"
    virtualization_type: str | None = None
    root_device_type: Literal["ebs", "instance-store"] | None = None
    block_device_mappings: tuple[BlockDeviceMapping, ...] | None = None
    install_updates_on_boot: bool = True
    ebs_optimized: bool | None = None
    agent_version: str = "INHERIT"
    tenancy: str | None = None
    node_attributes: CustomJson = {}
    data_bags: DataBags = {}


class DataSource(Part, frozen=True, kw_only=True):
    """`type` as OpsWorks has it; `arn` names a registered database, `instance` a host of the stack's MySQL layer."""

    type: str
    arn: str | None = None
    instance: str | None = None
    database_name: str | None = None


class SslConfiguration(Part, frozen=True, kw_only=True):
    """PEM. The private key is a secret."""

    certificate: str | None = None
    private_key: SecretRef | None = None
    chain: str | None = None


class App(Part, frozen=True, kw_only=True):
    """`name` is the short name where it is left out. A SecretRef in `environment` is a secure variable."""

    type: str = "other"
    name: str | None = None
    description: str = ""
    app_source: Source | None = None
    data_sources: tuple[DataSource, ...] = ()
    domains: tuple[str, ...] = ()
    enable_ssl: bool = False
    ssl_configuration: SslConfiguration | None = None
    attributes: dict[str, str] = {}
    environment: dict[str, str | SecretRef] = {}
    node_attributes: CustomJson = {}
    data_bags: DataBags = {}


class ElasticIp(Part, frozen=True, kw_only=True):
    """`instance` is the host that has the address."""

    name: str | None = None
    instance: str | None = None


class Volume(Part, frozen=True, kw_only=True):
    """A volume that was registered. `instance` is the host that has it."""

    name: str | None = None
    mount_point: str | None = None
    instance: str | None = None


class StackFile(Part, frozen=True, kw_only=True):
    """The whole document. `toque` is the version of its format.

    Keys: users and permissions by user name or ARN; databases by ARN; layers and apps by short name, instances by host
    name, addresses by IP, volumes by what their provider calls them. The order of layers is the order they are made in.
    """

    toque: Literal[1] = 1
    stack: Stack
    users: dict[str, User] | None = None
    permissions: dict[str, Permission] | None = None
    ecs_clusters: tuple[str, ...] | None = None
    rds_db_instances: dict[str, RdsDbInstance] | None = None
    layers: dict[str, Layer] | None = None
    instances: dict[str, Instance] | None = None
    apps: dict[str, App] | None = None
    elastic_ips: dict[str, ElasticIp] | None = None
    volumes: dict[str, Volume] | None = None


SECTIONS: Final = tuple(name for name in StackFile.__struct_fields__ if name not in ("toque", "stack"))


def default_of(kind: type[Part], field: str) -> Any:
    """What a field has where nobody says anything; None also for one that must be given."""
    return _defaults(kind)[field]


@cache
def _defaults(kind: type[Part]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for each in msgspec.structs.fields(kind):
        made = None if each.default_factory is msgspec.NODEFAULT else each.default_factory()
        found[each.name] = made if each.default is msgspec.NODEFAULT else each.default
    return found


def given(part: Part) -> Mapping[str, Any]:
    """The fields that are not as they are by default, in the order of the structure."""
    values = {name: getattr(part, name) for name in part.__struct_fields__}
    defaults = _defaults(type(part))
    return {name: value for name, value in values.items() if value != defaults[name]}
