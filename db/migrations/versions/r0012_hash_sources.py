"""Where a killmail's hash came from, so that ESI's own hash can replace any other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A constant default: no row is rewritten. What is there came from ESI's lists or was never doubted.
    op.add_column("killmail_refs", sa.Column("hash_from", sa.Text(), server_default="esi", nullable=False))


def downgrade() -> None:
    op.drop_column("killmail_refs", "hash_from")
