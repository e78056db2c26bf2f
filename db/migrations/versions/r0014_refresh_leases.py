"""refresh leases"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refresh_leases",
        sa.Column("character_id", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unanswered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("character_id"),
        sa.ForeignKeyConstraint(["character_id"], ["users.character_id"], ondelete="CASCADE"),
    )
    # Refusals that EVE did not explain end no director's part any more.
    op.execute("UPDATE corporation_directors SET standing = 'good', marked_at = now() WHERE standing = 'refused'")


def downgrade() -> None:
    op.drop_table("refresh_leases")
