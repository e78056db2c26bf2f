"""Whether a subject has sums by month: all that there are have them, and what an older version begins beside this."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0033"
down_revision = "r0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("summed_subjects", sa.Column("by_month", sa.Boolean(), server_default=sa.true(), nullable=False))


def downgrade() -> None:
    # The version before looks for months: they are counted anew, and it may tell nothing in between.
    op.execute("UPDATE summed_subjects SET counted_until = NULL WHERE NOT by_month")
    op.drop_column("summed_subjects", "by_month")
