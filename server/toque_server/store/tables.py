"""Every table, in SQLAlchemy's own words; the migrations make them on SQLite and PostgreSQL alike.

A row has the columns that decisions and queries need, and one `document`: JSON of the rest of the record. Secrets, and
all custom JSON, stand in `sealed` columns, encrypted by the envelope with table, row id and column as associated data
(S12). Times are microseconds since the epoch; Python sees aware datetimes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since the epoch: the same on every database, and sortable."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


# SQLite numbers rows by itself only for a column of type INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", String(64), primary_key=True)


def _stack() -> Column[str]:
    return Column("stack_id", String(64), ForeignKey("stacks.id", ondelete="CASCADE"), nullable=False, index=True)


installation = Table(
    "installation",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

data_keys = Table(
    "data_keys",
    metadata,
    Column("scope", String(128), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("master", String(64), nullable=False),
)

stacks = Table(
    "stacks",
    metadata,
    _id(),
    Column("name", String(64), nullable=False),
    Column("slug", String(80), nullable=False, unique=True),
    Column("region", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Column("sealed", LargeBinary),
    # Grows with every change that a policy of this stack would show; a policy is built when it has grown (ruling 16).
    Column("change", BigInteger, nullable=False, server_default="0"),
    # The bundle that custom recipes of this stack come from now (ruling 18); null before the first fetch.
    Column("cookbook_digest", String(64)),
)

layers = Table(
    "layers",
    metadata,
    _id(),
    _stack(),
    Column("type", String(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("shortname", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Column("sealed", LargeBinary),
    UniqueConstraint("stack_id", "shortname"),
)

balancers = Table(
    "balancers",
    metadata,
    # A balancer is known by its name within its region; while it stands here it is attached, to one layer.
    Column("region", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    _stack(),
    Column("layer_id", String(64), ForeignKey("layers.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("attached_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
)

database_instances = Table(
    "database_instances",
    metadata,
    # One stack at a time: the ARN is the key.
    Column("arn", String(255), primary_key=True),
    _stack(),
    Column("registered_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Column("sealed", LargeBinary),
)

database_directory = Table(
    "database_directory",
    metadata,
    # Where database instances are, as administrators entered it: looked at once, when one is registered.
    Column("arn", String(255), primary_key=True),
    Column("updated_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
)

ecs_clusters = Table(
    "ecs_clusters",
    metadata,
    # One stack at a time, and one cluster per stack.
    Column("arn", String(255), primary_key=True),
    Column("stack_id", String(64), ForeignKey("stacks.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("registered_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
)

instances = Table(
    "instances",
    metadata,
    _id(),
    _stack(),
    Column("hostname", String(64), nullable=False),
    Column("status", String(24), nullable=False, index=True),
    Column("since", Instant, nullable=False),
    Column("persistent", Boolean, nullable=False),
    Column("infrastructure_class", String(16), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("scaling", String(8)),
    Column("machine_id", String(128)),
    Column("start_id", String(64)),
    Column("previous", String(24)),
    Column("reason", Text, nullable=False, server_default=""),
    Column("heal_id", String(64)),
    Column("shutdown_by", Instant),
    Column("booted_at", Instant),
    Column("created_at", Instant, nullable=False),
    # The highest dispatch number given to this instance (S6); one more than it is the next.
    Column("dispatch", BigInteger, nullable=False, server_default="0"),
    # The custom bundle it runs now, as its last run reported (ruling 18).
    Column("cookbook_digest", String(64)),
    Column("document", Text, nullable=False),
    Column("sealed", LargeBinary),
    UniqueConstraint("stack_id", "hostname"),
)

instance_layers = Table(
    "instance_layers",
    metadata,
    Column("instance_id", String(64), ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True),
    Column("layer_id", String(64), ForeignKey("layers.id"), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
)

elastic_ips = Table(
    "elastic_ips",
    metadata,
    # An address is registered with one stack at a time, and an instance has one at most.
    Column("ip", String(64), primary_key=True),
    _stack(),
    Column("instance_id", String(64), ForeignKey("instances.id", ondelete="SET NULL"), unique=True),
    Column("created_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
)

raid_arrays = Table(
    "raid_arrays",
    metadata,
    _id(),
    _stack(),
    Column("instance_id", String(64), ForeignKey("instances.id", ondelete="SET NULL"), index=True),
    Column("created_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
)

volumes = Table(
    "volumes",
    metadata,
    _id(),
    _stack(),
    # The provider's name for it; null until the provider has made it.
    Column("ec2_volume_id", String(255), unique=True),
    Column("instance_id", String(64), ForeignKey("instances.id", ondelete="SET NULL"), index=True),
    Column("raid_array_id", String(64), ForeignKey("raid_arrays.id", ondelete="CASCADE"), index=True),
    # `creating`, `available`, `in-use`
    Column("status", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
)

apps = Table(
    "apps",
    metadata,
    _id(),
    _stack(),
    Column("shortname", String(200), nullable=False),
    Column("name", String(255), nullable=False),
    Column("type", String(32), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Column("sealed", LargeBinary),
    UniqueConstraint("stack_id", "shortname"),
)

deployments = Table(
    "deployments",
    metadata,
    _id(),
    _stack(),
    Column("app_id", String(64), index=True),
    Column("command_name", String(64), nullable=False),
    Column("command_args", Text, nullable=False),
    Column("user_arn", String(255)),
    Column("comment", Text),
    Column("status", String(16), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("completed_at", Instant),
    Column("instance_ids", Text, nullable=False),
    # Custom JSON of this deployment, and the snapshot of an app that is deleted while its undeploy runs.
    Column("sealed", LargeBinary),
)

commands = Table(
    "commands",
    metadata,
    _id(),
    _stack(),
    Column("instance_id", String(64), ForeignKey("instances.id", ondelete="CASCADE"), nullable=False),
    Column("deployment_id", String(64), index=True),
    Column("cause_id", String(64), nullable=False, index=True),
    Column("type", String(32), nullable=False),
    Column("args", Text, nullable=False),
    Column("user_arn", String(255)),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("exit_code", Integer),
    Column("created_at", Instant, nullable=False),
    # Order of creation where two commands share a time.
    Column("number", BigInteger, nullable=False, server_default="0"),
    Column("dispatched_at", Instant),
    Column("dispatch", BigInteger),
    Column("manifest_version", BigInteger),
    # The signed envelope, as handed out; a resend is byte for byte the same (R4).
    Column("envelope", LargeBinary),
    Column("acknowledged_at", Instant),
    Column("completed_at", Instant),
    Column("expires_at", Instant),
    Column("deadline_seconds", Float, nullable=False),
    Column("aborted", Boolean, nullable=False, server_default="0"),
    # The agent's own result (JSON), also when it came after the verdict.
    Column("result", Text),
    Column("log_size", BigInteger, nullable=False, server_default="0"),
    Index("ix_commands_open", "instance_id", "completed_at"),
    Index("ix_commands_unacknowledged", "completed_at", "acknowledged_at"),
)

command_logs = Table(
    "command_logs",
    metadata,
    Column("command_id", String(64), ForeignKey("commands.id", ondelete="CASCADE"), primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    _stack(),
    Column("version", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("digest", String(64), nullable=False),
    # The signed manifest, as handed out.
    Column("manifest", LargeBinary, nullable=False),
    UniqueConstraint("stack_id", "version"),
)

parts = Table(
    "parts",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("stack_id", String(64), ForeignKey("stacks.id", ondelete="CASCADE"), primary_key=True),
    Column("body", Text, nullable=False),
)

bundles = Table(
    "bundles",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    # Cookbook names, versions and recipes in it, as JSON; the archive itself is a file of the data directory.
    Column("contents", Text, nullable=False),
)

stack_bundles = Table(
    "stack_bundles",
    metadata,
    Column("stack_id", String(64), ForeignKey("stacks.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", String(64), ForeignKey("bundles.digest"), primary_key=True),
    Column("added_at", Instant, nullable=False),
    Column("source", Text, nullable=False),
)

node_keys = Table(
    "node_keys",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("instance_id", String(64), nullable=False, index=True),
    Column("stack_id", String(64), nullable=False, index=True),
    Column("public", LargeBinary, nullable=False),
    Column("sealing", LargeBinary, nullable=False),
    # `current`, `retiring` (until the first request with its successor), `revoked`
    Column("state", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("enrolment_id", String(64), nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("conflict", Boolean, nullable=False, server_default="0"),
)

node_lanes = Table(
    "node_lanes",
    metadata,
    Column("key_id", String(64), ForeignKey("node_keys.key_id", ondelete="CASCADE"), primary_key=True),
    Column("lane", String(1), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("stack_id", String(64), nullable=False, index=True),
    Column("last_at", Instant, nullable=False, index=True),
    Column("boot_id", String(64), nullable=False, server_default=""),
    Column("agent_version", String(32), nullable=False, server_default=""),
    Column("running", String(64), nullable=False, server_default=""),
    Column("facts", Text),
    Column("problems", Text, nullable=False, server_default="[]"),
)

leftovers = Table(
    "leftovers",
    metadata,
    # Machines of instances that were deleted; they stay here until their provider has terminated them.
    Column("instance_id", String(64), primary_key=True),
    Column("region", String(64), nullable=False),
    Column("since", Instant, nullable=False),
    # The instance as it was, as JSON: orders to the provider are about it.
    Column("instance", Text, nullable=False),
)

join_tokens = Table(
    "join_tokens",
    metadata,
    _id(),
    _stack(),
    # Only the public half: neither a database dump nor a proxy's log holds a usable token (S1).
    Column("public", LargeBinary, nullable=False),
    Column("instance_id", String(64)),
    Column("layer_ids", Text, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("node_key", LargeBinary),
)

registration_groups = Table(
    "registration_groups",
    metadata,
    # `OpsWorks-<stack id>`, of path /AWS/OpsWorks/
    Column("name", String(128), primary_key=True),
    _stack(),
    Column("created_at", Instant, nullable=False),
)

registrations = Table(
    "registrations",
    metadata,
    # `OpsWorks-<stack>-<machine>`, of path /AWS/OpsWorks/
    Column("name", String(64), primary_key=True),
    # null until the identity is in the group of its stack
    Column("stack_id", String(64), ForeignKey("stacks.id", ondelete="CASCADE"), index=True),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    # Whether it has the policy to register, without which it gets no key.
    Column("allowed", Boolean, nullable=False),
    Column("access_key_id", String(32), unique=True),
    Column("sealed", LargeBinary),
    Column("expires_at", Instant, nullable=False, index=True),
    # The fingerprint of the one machine that has registered with it.
    Column("machine", String(64)),
)

metrics = Table(
    "metrics",
    metadata,
    Column("instance_id", String(64), primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("stack_id", String(64), nullable=False),
    # The sixteen values in the order of chapter 08, section 7, as a JSON list.
    Column("sample", Text, nullable=False),
)

heals = Table(
    "heals",
    metadata,
    _id(),
    Column("instance_id", String(64), nullable=False, index=True),
    Column("stack_id", String(64), nullable=False, index=True),
    Column("evidence", String(8), nullable=False),
    Column("started_at", Instant, nullable=False, index=True),
    Column("machine_started_at", Instant),
    Column("ended_at", Instant),
    # null while open; `healed`, `no_contact`, `stop_failed`, `start_failed`, `setup_failed`, `cancelled`
    Column("outcome", String(16)),
    Column("by", String(255), nullable=False, server_default="auto-healing"),
    Column("last_contact_at", Instant),
)
Index(
    "uq_heals_open",
    heals.c.instance_id,
    unique=True,
    sqlite_where=heals.c.ended_at.is_(None),
    postgresql_where=heals.c.ended_at.is_(None),
)

configures = Table(
    "configures",
    metadata,
    Column("stack_id", String(64), ForeignKey("stacks.id", ondelete="CASCADE"), primary_key=True),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    # How long the open coalescing limit is now; it doubles while changes go on (D16).
    Column("limit_seconds", Float, nullable=False),
    Column("cause", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("stack_id", String(64), index=True),
    Column("instance_id", String(64)),
    Column("kind", String(48), nullable=False),
    Column("message", Text, nullable=False),
    Column("data", Text, nullable=False, server_default="{}"),
)

service_errors = Table(
    "service_errors",
    metadata,
    _id(),
    _stack(),
    Column("instance_id", String(64)),
    Column("type", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("arn", String(255), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("administrator", Boolean, nullable=False),
    Column("password", Text),
    Column("created_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("access_key_id", String(32), primary_key=True),
    Column("user_arn", String(255), ForeignKey("users.arn", ondelete="CASCADE"), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("user_arn", String(255), ForeignKey("users.arn", ondelete="CASCADE"), nullable=False, index=True),
    Column("label", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("user_arn", String(255), ForeignKey("users.arn", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("csrf", String(64), nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("subject", String(255), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", Instant, nullable=False),
)

permissions = Table(
    "permissions",
    metadata,
    Column("stack_id", String(64), ForeignKey("stacks.id", ondelete="CASCADE"), primary_key=True),
    Column("user_arn", String(255), ForeignKey("users.arn", ondelete="CASCADE"), primary_key=True),
    Column("level", String(16), nullable=False),
    Column("allow_ssh", Boolean, nullable=False),
    Column("allow_sudo", Boolean, nullable=False),
)

user_policies = Table(
    "user_policies",
    metadata,
    Column("user_arn", String(255), ForeignKey("users.arn", ondelete="CASCADE"), primary_key=True),
    Column("name", String(128), primary_key=True),
    # Attached by name: the document is the installation's own, and empty here.
    Column("predefined", Boolean, nullable=False),
    Column("document", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", String(255), nullable=False),
)

attributes = Table(
    "attributes",
    metadata,
    # `layer`, `app` or `instance`, and the id of that object (D14)
    Column("level", String(16), primary_key=True),
    Column("owner_id", String(64), primary_key=True),
    Column("stack_id", String(64), ForeignKey("stacks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", String(255), nullable=False),
)

data_bag_items = Table(
    "data_bag_items",
    metadata,
    # `stack`, `layer`, `app` or `instance`, and the id of that object
    Column("level", String(16), primary_key=True),
    Column("owner_id", String(64), primary_key=True),
    Column("bag", String(128), primary_key=True),
    Column("item", String(128), primary_key=True),
    Column("stack_id", String(64), ForeignKey("stacks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", String(255), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("user_arn", String(255), nullable=False, index=True),
    Column("action", String(64), nullable=False),
    Column("stack_id", String(64), index=True),
    Column("allowed", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)
