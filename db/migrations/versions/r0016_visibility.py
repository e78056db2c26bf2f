"""How far a board is open, who opened it, and in which alliance a pilot is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0016"
down_revision = "r0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("alliance_id", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("visibility", sa.Text(), server_default="private", nullable=False))
    # A board that is not published is its directors', whatever its audience: so the version before closes it, too.
    op.add_column("corporations_followed", sa.Column("audience", sa.Text(), server_default="members", nullable=False))
    op.create_table(
        "visibility_changes",
        sa.Column("visibility_change_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("by_character_id", sa.BigInteger(), nullable=False),
        sa.Column("board_id", sa.BigInteger(), nullable=False),
        sa.Column("from", sa.Text(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("visibility_change_id"),
    )
    op.create_index("visibility_changes_board_id", "visibility_changes", ["board_id"])
    op.create_table(
        "share_links",
        sa.Column("share_link_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("share_link_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], ondelete="CASCADE"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("share_links_account_id", "share_links", ["account_id"])


def downgrade() -> None:
    op.drop_table("share_links")
    op.drop_table("visibility_changes")
    op.drop_column("corporations_followed", "audience")
    op.drop_column("users", "visibility")
    op.drop_column("users", "alliance_id")
