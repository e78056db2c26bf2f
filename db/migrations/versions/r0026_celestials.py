"""What lies where in the solar systems, for the celestial nearest to a loss."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0026"
down_revision = "r0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "celestials",
        sa.Column("celestial_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("solar_system_id", sa.BigInteger(), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.Column("z", sa.Double(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("celestial_id"),
    )
    op.create_index("celestials_solar_system_id", "celestials", ["solar_system_id"])


def downgrade() -> None:
    op.drop_table("celestials")
