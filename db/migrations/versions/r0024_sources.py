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


def downgrade() -> None:
    op.drop_column("killmail_arrivals", "source")
