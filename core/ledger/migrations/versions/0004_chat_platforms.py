"""Chat platforms: threads that are opened there, who installed Nexus where, notifications, and a second approval."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("threads", sa.Column("opened", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("threads", sa.Column("opened_for", sa.String(), nullable=False, server_default=""))
    op.alter_column("threads", "opened", server_default=None)
    op.alter_column("threads", "opened_for", server_default=None)
    op.add_column("approvals", sa.Column("destructive", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("approvals", "destructive", server_default=None)
    op.add_column("approvals", sa.Column("first_by", sa.String(), nullable=True))
    op.create_foreign_key(op.f("fk_approvals_first_by"), "approvals", "principals", ["first_by"], ["id"])
    op.create_table(
        "installations",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("workspace_ref", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sealed", postgresql.JSONB(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("platform", "workspace_ref", name=op.f("pk_installations")),
    )
    op.create_table(
        "deliveries",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("platform", "key", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("workspace_ref", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=True),
        sa.Column("kinds", postgresql.JSONB(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("told", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_subscriptions_app_id")),
        sa.ForeignKeyConstraint(["by"], ["principals.id"], name=op.f("fk_subscriptions_by")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_subscriptions_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
    )
    op.create_index(
        "uq_subscriptions_place",
        "subscriptions",
        ["platform", "workspace_ref", "channel", sa.text("coalesce(app_id, '')")],
        unique=True,
    )


def downgrade() -> None:
    op.drop_table("subscriptions")
    op.drop_table("deliveries")
    op.drop_table("installations")
    op.drop_constraint(op.f("fk_approvals_first_by"), "approvals", type_="foreignkey")
    op.drop_column("approvals", "first_by")
    op.drop_column("approvals", "destructive")
    op.drop_column("threads", "opened_for")
    op.drop_column("threads", "opened")
