"""What one stack is, as plain values: the input from which bags and policies are built (chapter 06).

`store/world.py` reads it from the database in one transaction. Everything secret is in it in clear, so a `World` is
never logged, never cached on disk, and leaves the server only through `bags.public_parts` (which drops secrets) and
`bags.secrets_for` (which is sealed to one node).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class SourceOf(msgspec.Struct, frozen=True, kw_only=True):
    """Where code comes from. `type` is `git`, `svn`, `archive`, `s3` or `other`; None is "not given"."""

    type: str = "other"
    url: str | None = None
    username: str | None = None
    password: str | None = None
    ssh_key: str | None = None
    revision: str | None = None


class StackOf(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    arn: str
    region: str
    vpc_id: str | None = None
    use_custom_cookbooks: bool = False
    cookbook_digest: str | None = None
    """The custom bundle that the stack runs now; no bag shows it."""
    source: SourceOf | None = None
    tags: dict[str, str] = {}


class VolumeConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    mount_point: str
    number_of_disks: int = 1
    raid_level: int | None = None
    size: int = 0
    volume_type: str = "standard"
    iops: int | None = None
    encrypted: bool = False


class LayerOf(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    shortname: str
    type: str = "custom"
    packages: tuple[str, ...] = ()
    recipes: dict[str, tuple[str, ...]] = {}
    """The users' recipes by event, as `runlist.LayerRecipes` wants them; no bag shows them."""
    install_updates_on_boot: bool = True
    """No bag shows it: the Setup after a boot is told what follows from it (os_updates.py)."""
    ecs_cluster_arn: str | None = None
    volume_configurations: tuple[VolumeConfiguration, ...] = ()
    tags: dict[str, str] = {}
    """The layer's own; nodes put those of the stack under them."""


class HostKeys(msgspec.Struct, frozen=True, kw_only=True):
    fingerprint: str | None = None
    public: str | None = None
    private: str | None = None


class InstanceOf(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    hostname: str
    layer_ids: tuple[str, ...]
    status: str
    machine_id: str | None = None
    private_ip: str | None = None
    public_ip: str | None = None
    private_dns: str | None = None
    public_dns: str | None = None
    elastic_ip: str | None = None
    availability_zone: str | None = None
    subnet_id: str | None = None
    os: str = ""
    ami_id: str | None = None
    architecture: str = "x86_64"
    instance_type: str = ""
    virtualization_type: str = ""
    root_device_type: str = "instance-store"
    root_device_volume_id: str | None = None
    ebs_optimized: bool = False
    auto_scaling_type: str | None = None
    created_at: datetime
    infrastructure_class: str = "ec2"
    install_updates_on_boot: bool = True
    rsa: HostKeys = HostKeys()
    facts: dict[str, Any] = {}
    """The short ones of those that recipes and people gave the node."""


class DataSource(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    arn: str | None = None
    database_name: str | None = None


class EnvironmentVariable(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    value: str
    secure: bool = False


class AppOf(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    shortname: str
    type: str
    source: SourceOf = SourceOf()
    attributes: dict[str, str | None] = {}
    """The API's names: `DocumentRoot`, `RailsEnv`, `AutoBundleOnDeploy`, `AwsFlowRubySettings`."""
    data_sources: tuple[DataSource, ...] = ()
    domains: tuple[str, ...] = ()
    enable_ssl: bool = False
    certificate: str | None = None
    private_key: str | None = None
    chain: str | None = None
    environment: tuple[EnvironmentVariable, ...] = ()


class UserOf(msgspec.Struct, frozen=True, kw_only=True):
    """A user with `AllowSsh` on this stack; users without it are not listed (check 18)."""

    arn: str
    username: str
    unix_user_id: int
    ssh_public_key: str | None = None
    sudo: bool = False


class DatabaseOf(msgspec.Struct, frozen=True, kw_only=True):
    """A registered database, or the MySQL instance of the stack's own layer seen as one."""

    arn: str
    identifier: str
    address: str | None = None
    port: int | None = None
    engine: str | None = None
    user: str | None = None
    password: str | None = None
    region: str = ""
    missing: bool = False
    provider: str = "rds"
    """`rds` for a registered database, `mysql` for an instance of the stack's MySQL layer."""
    registered: bool = True
    """False keeps it out of the bag: it only serves the `database` object of apps."""


class BalancerOf(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    dns_name: str | None = None
    layer_id: str | None = None


class ClusterOf(msgspec.Struct, frozen=True, kw_only=True):
    arn: str
    name: str


class VolumeOf(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    instance_id: str | None
    fields: dict[str, Any]
    """The fields of chapter 06 § 3.10, without `id`."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """One stack at one moment. `change` is `stacks.change` then: equal numbers mean an equal policy."""

    change: int
    stack: StackOf
    layers: tuple[LayerOf, ...] = ()
    instances: tuple[InstanceOf, ...] = ()
    apps: tuple[AppOf, ...] = ()
    users: tuple[UserOf, ...] = ()
    databases: tuple[DatabaseOf, ...] = ()
    balancers: tuple[BalancerOf, ...] = ()
    clusters: tuple[ClusterOf, ...] = ()
    volumes: tuple[VolumeOf, ...] = ()
    raid_arrays: tuple[VolumeOf, ...] = ()
