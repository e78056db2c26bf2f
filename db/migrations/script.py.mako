"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


# The version before works on while this runs (CONTRIBUTING.md, "Add a migration"). An index on a table that is there
# already: `db.migrations.online.create_index`, alone in its revision. What squawk forbids and is meant all the same:
# ALLOWED = {"rule": "why it harms nobody"}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
