"""What appraisals add to sums waits here until a subject has enough of it: one row for each killmail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0022"
down_revision = "r0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unfolded_sums",
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("killmail_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("killmails", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column("solo", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "killmail_id"),
    )


def downgrade() -> None:
    # What waits would be missing from the sums for good.
    op.execute(
        "UPDATE summed_subjects SET counted_until = NULL WHERE subject_id IN (SELECT subject_id FROM unfolded_sums)"
    )
    op.drop_table("unfolded_sums")
