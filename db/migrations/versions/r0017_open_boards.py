"""The pilots whose board is open to anybody, found without reading all pilots."""

from __future__ import annotations

import sqlalchemy as sa

from db.migrations.online import create_index, drop_index

revision = "r0017"
down_revision = "r0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("users_open", "users", ["corporation_id"], postgresql_where=sa.text("visibility <> 'private'"))


def downgrade() -> None:
    drop_index("users_open", "users")
