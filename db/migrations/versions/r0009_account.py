"""API keys, sessions a pilot can tell apart, departures, and the order in which killmails arrive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("session_id", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.add_column("sessions", sa.Column("client", sa.Text(), server_default="", nullable=False))
    op.create_unique_constraint("sessions_session_id_key", "sessions", ["session_id"])
    op.create_table(
        "api_keys",
        sa.Column("api_key_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("api_key_id"),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_index("api_keys_account_id", "api_keys", ["account_id"])
    op.create_table(
        "departures",
        sa.Column("departure_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("character_id", sa.BigInteger(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("corporation_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("departure_id"),
    )
    op.create_index("departures_character_id", "departures", ["character_id"])
    op.create_table(
        "killmail_arrivals",
        sa.Column("arrival", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("killmail_id", sa.BigInteger(), nullable=False),
        sa.Column("silent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["killmail_id"], ["killmails.killmail_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("arrival"),
        sa.UniqueConstraint("killmail_id"),
    )
    # Killmails that are stored already count as arrived, in the order in which they were stored.
    op.execute(
        "INSERT INTO killmail_arrivals (killmail_id) SELECT killmail_id FROM killmails ORDER BY created_at, killmail_id"
    )


def downgrade() -> None:
    op.drop_table("killmail_arrivals")
    op.drop_index("departures_character_id", table_name="departures")
    op.drop_table("departures")
    op.drop_index("api_keys_account_id", table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_constraint("sessions_session_id_key", "sessions", type_="unique")
    op.drop_column("sessions", "client")
    op.drop_column("sessions", "session_id")
