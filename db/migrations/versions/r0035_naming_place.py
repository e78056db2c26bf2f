"""How far the order of arrival was gone through for names. It begins with the oldest: what has none today gets them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0035"
down_revision = "r0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "killmail_naming",
        sa.Column("only_one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("arrival", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("only_one", name="killmail_naming_only_one"),
        sa.PrimaryKeyConstraint("only_one"),
    )


def downgrade() -> None:
    op.drop_table("killmail_naming")
