"""Ship replacement: claims and their changes, and webhooks that tell of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0027"
down_revision = "r0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reimbursements",
        sa.Column("killmail_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("character_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("corporation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("killmail_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("killmail_id"),
        sa.ForeignKeyConstraint(["killmail_id"], ["killmails.killmail_id"], ondelete="CASCADE"),
    )
    for owner in ("corporation", "character"):
        op.create_index(f"reimbursements_of_{owner}", "reimbursements", [f"{owner}_id", "killmail_time", "killmail_id"])
    op.create_table(
        "reimbursement_changes",
        sa.Column("change_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("killmail_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("by_character_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("change_id"),
        sa.ForeignKeyConstraint(["killmail_id"], ["reimbursements.killmail_id"], ondelete="CASCADE"),
    )
    op.create_index(
        "reimbursement_changes_of_killmail", "reimbursement_changes", ["killmail_id", "number"], unique=True
    )
    op.add_column("webhooks", sa.Column("tells", sa.Text(), server_default="killmails", nullable=False))
    op.add_column("webhook_deliveries", sa.Column("reimbursement_change_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    # What waits would be taken for tests.
    op.execute("DELETE FROM webhook_deliveries WHERE reimbursement_change_id IS NOT NULL")
    op.drop_column("webhook_deliveries", "reimbursement_change_id")
    op.drop_column("webhooks", "tells")
    op.drop_table("reimbursement_changes")
    op.drop_table("reimbursements")
