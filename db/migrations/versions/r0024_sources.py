"""What brought a killmail is kept with its arrival, and how far zKillboard's stream was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0024"
down_revision = "r0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("killmail_arrivals", sa.Column("source", sa.SmallInteger(), nullable=True))
    op.create_table(
        "killmail_stream",
        sa.Column("only_one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("caught_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("trouble_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("missed_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missed_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("only_one", name="killmail_stream_only_one"),
        sa.PrimaryKeyConstraint("only_one"),
    )


def downgrade() -> None:
    op.drop_table("killmail_stream")
    op.drop_column("killmail_arrivals", "source")
