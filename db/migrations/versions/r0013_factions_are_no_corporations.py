"""A faction's id that was stored as a corporation's moves to where it belongs."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A range of the index on corporations; few rows, all of old killmails.
    op.execute(
        "UPDATE participants SET faction_id = coalesce(faction_id, corporation_id), corporation_id = NULL"
        " WHERE corporation_id BETWEEN 500000 AND 599999"
    )
    op.execute("DELETE FROM details_wanted WHERE kind = 'corporation' AND id BETWEEN 500000 AND 599999")


def downgrade() -> None:
    """Nothing to undo: the bodies still say what ESI said."""
