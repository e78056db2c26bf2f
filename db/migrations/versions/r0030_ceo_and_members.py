"""Who leads a corporation, and how many are in it, as ESI tells anyone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0030"
down_revision = "r0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("corporation_details", sa.Column("ceo_id", sa.BigInteger(), nullable=True))
    op.add_column("corporation_details", sa.Column("member_count", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("corporation_details", "member_count")
    op.drop_column("corporation_details", "ceo_id")
