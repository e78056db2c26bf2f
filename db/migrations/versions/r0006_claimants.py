"""Who has claimed a reference for fetching."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("killmail_refs", sa.Column("claimed_by", sa.BigInteger(), autoincrement=False, nullable=True))


def downgrade() -> None:
    op.drop_column("killmail_refs", "claimed_by")
