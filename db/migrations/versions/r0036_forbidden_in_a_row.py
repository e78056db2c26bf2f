"""How often EVE refused a director in a row is the sync's own to count: it is in its state, not here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0036"
down_revision = "r0035"
branch_labels = None
depends_on = None
ALLOWED = {"ban-drop-column": "unread and unwritten since before the first release"}


def upgrade() -> None:
    op.drop_column("corporation_directors", "forbidden_in_a_row")


def downgrade() -> None:
    op.add_column(
        "corporation_directors", sa.Column("forbidden_in_a_row", sa.Integer(), server_default="0", nullable=False)
    )
