"""Pages of sums are filled: room in them served no update, because each one changes what an index holds.

`killmail_sums_ranked` is of `kills + losses`, which every update changes, so none of them is a heap-only one.
"""

from __future__ import annotations

from alembic import op

revision = "r0032"
down_revision = "r0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE killmail_sums SET (fillfactor = 100)")


def downgrade() -> None:
    op.execute("ALTER TABLE killmail_sums SET (fillfactor = 80)")
