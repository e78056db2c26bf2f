"""Sums of what the busy did. They are empty at first: counted as before until they are built."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0015"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "summed_subjects",
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("is_corporation", sa.Boolean(), nullable=False),
        sa.Column("counted_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject_id"),
    )
    op.create_table(
        "killmail_sums",
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("span", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kills", sa.Integer(), server_default="0", nullable=False),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("solo", sa.Integer(), server_default="0", nullable=False),
        sa.Column("destroyed", sa.Numeric(), nullable=False),
        sa.Column("lost", sa.Numeric(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "kind", "span", "first_day", "entity_id"),
        postgresql_with={"fillfactor": 80},
    )


def downgrade() -> None:
    op.drop_table("killmail_sums")
    op.drop_table("summed_subjects")
