"""Digests by the calendar: when each is due, what was sent, and letter boxes that have confirmed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "r0028"
down_revision = "r0027"
branch_labels = None
depends_on = None


def _webhook() -> sa.Column[int]:
    return sa.Column("webhook_id", sa.BigInteger(), autoincrement=False, nullable=False)


def _of_webhook() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.webhook_id"], ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "digests",
        _webhook(),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=True),
        sa.Column("even_if_empty", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id"),
        _of_webhook(),
    )
    op.create_index("digests_next_at", "digests", ["next_at"])
    op.create_table(
        "digest_editions",
        sa.Column("edition_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _webhook(),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("edition_id"),
        _of_webhook(),
    )
    op.create_index("digest_editions_of_webhook", "digest_editions", ["webhook_id", "begins_at"], unique=True)
    op.create_table(
        "mail_recipients",
        _webhook(),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("webhook_id"),
        _of_webhook(),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_table(
        "confirmation_mails",
        sa.Column("confirmation_mail_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("confirmation_mail_id"),
    )
    op.create_index("confirmation_mails_of_address", "confirmation_mails", ["address_hash"])
    op.create_index("confirmation_mails_of_account", "confirmation_mails", ["account_id"])
    op.create_index("confirmation_mails_asked_at", "confirmation_mails", ["asked_at"])
    op.add_column("webhook_deliveries", sa.Column("digest_edition_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    # What waits would be taken for tests.
    op.execute("DELETE FROM webhook_deliveries WHERE digest_edition_id IS NOT NULL")
    op.execute("DELETE FROM webhooks WHERE tells = 'digests'")
    op.drop_column("webhook_deliveries", "digest_edition_id")
    for table in ("confirmation_mails", "mail_recipients", "digest_editions", "digests"):
        op.drop_table(table)
