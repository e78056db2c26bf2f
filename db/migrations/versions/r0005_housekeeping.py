"""What each list held, why runs failed, and the indexes that deleting old rows needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "killmail_lists",
        sa.Column("killmail_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
    )
    # What is remembered without its killmails must be read again, whatever its ETag says.
    op.execute("DELETE FROM killmail_lists")
    op.add_column(
        "sync_runs",
        sa.Column(
            "failures", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
    )
    op.add_column("users", sa.Column("last_full_sync_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("last_new_killmail_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("sync_runs_finished_at", "sync_runs", ["finished_at"], unique=False)
    op.create_index("login_events_at", "login_events", ["at"], unique=False)


def downgrade() -> None:
    op.drop_index("login_events_at", table_name="login_events")
    op.drop_index("sync_runs_finished_at", table_name="sync_runs")
    op.drop_column("users", "last_new_killmail_at")
    op.drop_column("users", "last_full_sync_at")
    op.drop_column("sync_runs", "failures")
    op.drop_column("killmail_lists", "killmail_ids")
