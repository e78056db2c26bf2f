"""Imports from zKillboard and the pages they have read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0010"
branch_labels = None
depends_on = None


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def upgrade() -> None:
    op.create_table(
        "zkillboard_imports",
        sa.Column("character_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expected", sa.Integer(), nullable=True),
        sa.Column("expected_new", sa.Integer(), nullable=True),
        sa.Column("expected_pages", sa.Integer(), nullable=True),
        sa.Column("expected_seconds", sa.Integer(), nullable=True),
        sa.Column("at_least", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        *(_count(name) for name in ("listed", "new", "stored", "pending", "failed", "unusable")),
        sa.Column("cut_off", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "failures", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.ForeignKeyConstraint(["character_id"], ["users.character_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("character_id"),
    )
    op.create_table(
        "zkillboard_import_pages",
        sa.Column("character_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("page", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("killmail_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        _count("unusable"),
        sa.ForeignKeyConstraint(["character_id"], ["zkillboard_imports.character_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("character_id", "year", "month", "page"),
    )


def downgrade() -> None:
    op.drop_table("zkillboard_import_pages")
    op.drop_table("zkillboard_imports")
