"""How many people a killmail has, told to the planner: its sample of a large table finds twenty times too many.

Killmails lie side by side, so a sample meets few of them, each often. Among three million, 20 killmails were expected
to have 3,600 rows instead of 260, and each page of a feed was read by three processes, slower to start than to read.
"""

from __future__ import annotations

from alembic import op

revision = "r0034"
down_revision = "r0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A tenth as many killmails as rows.
    op.execute("ALTER TABLE participants ALTER COLUMN killmail_id SET (n_distinct = -0.1)")
    # Or it would be known only after the next two hundredths of new rows. Nobody waits for it.
    op.execute("ANALYZE participants (killmail_id)")


def downgrade() -> None:
    op.execute("ALTER TABLE participants ALTER COLUMN killmail_id RESET (n_distinct)")
