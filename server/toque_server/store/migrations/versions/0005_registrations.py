"""Identities with which machines register themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registration_groups",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stack_id"], ["stacks.id"], name=op.f("fk_registration_groups_stack_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_registration_groups")),
    )
    op.create_index(op.f("ix_registration_groups_stack_id"), "registration_groups", ["stack_id"], unique=False)
    op.create_table(
        "registrations",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("stack_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("access_key_id", sa.String(length=32), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("machine", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["stack_id"], ["stacks.id"], name=op.f("fk_registrations_stack_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_registrations")),
        sa.UniqueConstraint("access_key_id", name=op.f("uq_registrations_access_key_id")),
    )
    op.create_index(op.f("ix_registrations_expires_at"), "registrations", ["expires_at"], unique=False)
    op.create_index(op.f("ix_registrations_stack_id"), "registrations", ["stack_id"], unique=False)
