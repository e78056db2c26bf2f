"""The first tables: accounts, grants, killmails, names, runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "entities",
        sa.Column("entity_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("misses", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("entity_id"),
    )
    op.create_table(
        "killmail_refs",
        sa.Column("killmail_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("killmail_hash", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("first_seen_by", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("killmail_id"),
    )
    op.create_index(
        "killmail_refs_pending",
        "killmail_refs",
        ["first_seen_by"],
        unique=False,
        postgresql_where=sa.text("stored_at IS NULL"),
    )
    op.create_table(
        "killmails",
        sa.Column("killmail_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("killmail_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("solar_system_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attacker_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("killmail_id"),
    )
    op.create_index("killmails_created_at", "killmails", ["created_at"], unique=False)
    op.create_index(
        "killmails_time",
        "killmails",
        [sa.literal_column("killmail_time DESC"), sa.literal_column("killmail_id DESC")],
        unique=False,
    )
    op.create_table(
        "login_attempts",
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_verifier", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash"),
    )
    op.create_table(
        "login_events",
        sa.Column("login_event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("character_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("login_event_id"),
    )
    op.create_table(
        "solar_systems",
        sa.Column("solar_system_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("security_status", sa.Double(), nullable=False),
        sa.Column("constellation_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("solar_system_id"),
    )
    op.create_table(
        "killmail_bodies",
        sa.Column("killmail_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["killmail_id"], ["killmails.killmail_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("killmail_id"),
    )
    op.create_table(
        "participants",
        # The wide before the narrow: a row is 16 bytes shorter so (docs/decisions/0058). Databases of before have the
        # same columns in another order, which nothing asks for.
        sa.Column("killmail_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("killmail_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("character_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("corporation_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("alliance_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("faction_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("ship_type_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("weapon_type_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("damage", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("security_status", sa.Double(), nullable=True),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_victim", sa.Boolean(), nullable=False),
        sa.Column("final_blow", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["killmail_id"], ["killmails.killmail_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("killmail_id", "ordinal"),
    )
    op.create_index(
        "participants_alliance",
        "participants",
        ["alliance_id", sa.literal_column("killmail_time DESC"), sa.literal_column("killmail_id DESC")],
        unique=False,
        postgresql_where=sa.text("alliance_id IS NOT NULL"),
    )
    op.create_index(
        "participants_character_losses",
        "participants",
        ["character_id", sa.literal_column("killmail_time DESC"), sa.literal_column("killmail_id DESC")],
        unique=False,
        postgresql_where=sa.text("is_victim AND character_id IS NOT NULL"),
    )
    op.create_index(
        "participants_character",
        "participants",
        ["character_id", sa.literal_column("killmail_time DESC"), sa.literal_column("killmail_id DESC")],
        unique=False,
        postgresql_where=sa.text("character_id IS NOT NULL"),
    )
    op.create_index(
        "participants_corporation",
        "participants",
        ["corporation_id", sa.literal_column("killmail_time DESC"), sa.literal_column("killmail_id DESC")],
        unique=False,
        postgresql_where=sa.text("corporation_id IS NOT NULL"),
    )
    op.create_table(
        "sessions",
        sa.Column("session_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_hash"),
    )
    op.create_index("sessions_account_id", "sessions", ["account_id"], unique=False)
    op.create_table(
        "users",
        sa.Column("character_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner_hash", sa.Text(), nullable=False),
        sa.Column("corporation_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("access_token", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_state", sa.Text(), nullable=False),
        sa.Column("token_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_killmail_sync_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("killmail_list_fresh_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sync_state", sa.Text(), server_default="starting", nullable=False),
        sa.Column(
            "sync_detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.account_id"],
        ),
        sa.PrimaryKeyConstraint("character_id"),
    )
    op.create_index("users_account_id", "users", ["account_id"], unique=False)
    op.create_table(
        "killmail_lists",
        sa.Column("character_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("page", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["character_id"], ["users.character_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("character_id", "page"),
    )
    op.create_table(
        "sync_runs",
        sa.Column("run_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("character_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("killmail_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pending", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["character_id"], ["users.character_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index(
        "sync_runs_character_id", "sync_runs", ["character_id", sa.literal_column("run_id DESC")], unique=False
    )


def downgrade() -> None:
    op.drop_index("sync_runs_character_id", table_name="sync_runs")
    op.drop_table("sync_runs")
    op.drop_table("killmail_lists")
    op.drop_index("users_account_id", table_name="users")
    op.drop_table("users")
    op.drop_index(
        "participants_character_losses",
        table_name="participants",
        postgresql_where=sa.text("is_victim AND character_id IS NOT NULL"),
    )
    op.drop_index("sessions_account_id", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(
        "participants_corporation", table_name="participants", postgresql_where=sa.text("corporation_id IS NOT NULL")
    )
    op.drop_index(
        "participants_character", table_name="participants", postgresql_where=sa.text("character_id IS NOT NULL")
    )
    op.drop_index(
        "participants_alliance", table_name="participants", postgresql_where=sa.text("alliance_id IS NOT NULL")
    )
    op.drop_table("participants")
    op.drop_table("killmail_bodies")
    op.drop_table("solar_systems")
    op.drop_table("login_events")
    op.drop_table("login_attempts")
    op.drop_index("killmails_time", table_name="killmails")
    op.drop_index("killmails_created_at", table_name="killmails")
    op.drop_table("killmails")
    op.drop_index("killmail_refs_pending", table_name="killmail_refs", postgresql_where=sa.text("stored_at IS NULL"))
    op.drop_table("killmail_refs")
    op.drop_table("entities")
    op.drop_table("accounts")
