"""Elastic IPs, volumes and RAID arrays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "elastic_ips",
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name=op.f("fk_elastic_ips_instance_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["stack_id"], ["stacks.id"], name=op.f("fk_elastic_ips_stack_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ip", name=op.f("pk_elastic_ips")),
        sa.UniqueConstraint("instance_id", name=op.f("uq_elastic_ips_instance_id")),
    )
    op.create_index(op.f("ix_elastic_ips_stack_id"), "elastic_ips", ["stack_id"])
    op.create_table(
        "raid_arrays",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name=op.f("fk_raid_arrays_instance_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["stack_id"], ["stacks.id"], name=op.f("fk_raid_arrays_stack_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raid_arrays")),
    )
    op.create_index(op.f("ix_raid_arrays_stack_id"), "raid_arrays", ["stack_id"])
    op.create_index(op.f("ix_raid_arrays_instance_id"), "raid_arrays", ["instance_id"])
    op.create_table(
        "volumes",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("ec2_volume_id", sa.String(length=255), nullable=True),
        sa.Column("instance_id", sa.String(length=64), nullable=True),
        sa.Column("raid_array_id", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name=op.f("fk_volumes_instance_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["raid_array_id"], ["raid_arrays.id"], name=op.f("fk_volumes_raid_array_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["stack_id"], ["stacks.id"], name=op.f("fk_volumes_stack_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volumes")),
        sa.UniqueConstraint("ec2_volume_id", name=op.f("uq_volumes_ec2_volume_id")),
    )
    for column in ("stack_id", "instance_id", "raid_array_id"):
        op.create_index(op.f(f"ix_volumes_{column}"), "volumes", [column])
