"""Policies that are attached to users, and ways into the audit by user and by stack."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_policies",
        sa.Column("user_arn", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("predefined", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_arn"], ["users.arn"], name=op.f("fk_user_policies_user_arn_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_arn", "name", name=op.f("pk_user_policies")),
    )
    op.create_index(op.f("ix_audit_user_arn"), "audit", ["user_arn"])
    op.create_index(op.f("ix_audit_stack_id"), "audit", ["stack_id"])
