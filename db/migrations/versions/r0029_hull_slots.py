"""How many slots a hull has, so that its empty ones can be drawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0029"
down_revision = "r0028"
branch_labels = None
depends_on = None

RACKS = ("high", "mid", "low", "rig", "subsystem", "service")


def upgrade() -> None:
    op.create_table(
        "hull_slots",
        sa.Column("type_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(rack, sa.SmallInteger(), nullable=False) for rack in RACKS),
        sa.PrimaryKeyConstraint("type_id"),
    )


def downgrade() -> None:
    op.drop_table("hull_slots")
