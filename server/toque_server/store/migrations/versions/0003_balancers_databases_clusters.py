"""Load balancers, database instances and ECS clusters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "balancers",
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("layer_id", sa.String(length=64), nullable=False),
        sa.Column("attached_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["layer_id"], ["layers.id"], name=op.f("fk_balancers_layer_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["stack_id"], ["stacks.id"], name=op.f("fk_balancers_stack_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("region", "name", name=op.f("pk_balancers")),
        sa.UniqueConstraint("layer_id", name=op.f("uq_balancers_layer_id")),
    )
    op.create_index(op.f("ix_balancers_stack_id"), "balancers", ["stack_id"], unique=False)
    op.create_table(
        "database_instances",
        sa.Column("arn", sa.String(length=255), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["stack_id"], ["stacks.id"], name=op.f("fk_database_instances_stack_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_database_instances")),
    )
    op.create_index(op.f("ix_database_instances_stack_id"), "database_instances", ["stack_id"], unique=False)
    op.create_table(
        "database_directory",
        sa.Column("arn", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_database_directory")),
    )
    op.create_table(
        "ecs_clusters",
        sa.Column("arn", sa.String(length=255), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["stack_id"], ["stacks.id"], name=op.f("fk_ecs_clusters_stack_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_ecs_clusters")),
        sa.UniqueConstraint("stack_id", name=op.f("uq_ecs_clusters_stack_id")),
    )
