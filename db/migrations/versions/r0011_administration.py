"""The network of a login, and the audit log of operators' actions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("login_events", sa.Column("network", sa.Text(), nullable=True))
    op.create_table(
        "admin_actions",
        sa.Column("admin_action_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("by_character_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("admin_action_id"),
    )


def downgrade() -> None:
    op.drop_table("admin_actions")
    op.drop_column("login_events", "network")
