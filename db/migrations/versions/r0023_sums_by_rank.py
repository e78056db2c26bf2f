"""Who comes first of all time, without reading everybody."""

from __future__ import annotations

import sqlalchemy as sa

from db.migrations.online import create_index, drop_index

revision = "r0023"
down_revision = "r0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index(
        "killmail_sums_ranked",
        "killmail_sums",
        ["subject_id", "kind", sa.literal_column("(kills + losses) DESC")],
        postgresql_where=sa.text("span = 2"),
    )


def downgrade() -> None:
    drop_index("killmail_sums_ranked", "killmail_sums")
