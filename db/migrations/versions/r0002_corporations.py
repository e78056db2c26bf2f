"""Corporations that are followed, and the directors whose permissions read their lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _time(name: str, *, nullable: bool = True) -> sa.Column[object]:
    default = None if nullable else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "corporations_followed",
        sa.Column("corporation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("published", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _time("created_at", nullable=False),
        _time("last_killmail_sync_at"),
        _time("killmail_list_fresh_until"),
        _time("first_synced_at"),
        _time("last_full_sync_at"),
        _time("last_new_killmail_at"),
        sa.Column("sync_state", sa.Text(), server_default="starting", nullable=False),
        sa.Column(
            "sync_detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("corporation_id"),
    )
    op.create_table(
        "corporation_directors",
        sa.Column("corporation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("character_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("standing", sa.Text(), server_default="good", nullable=False),
        _time("marked_at", nullable=False),
        _time("role_seen_at"),
        sa.Column("forbidden_in_a_row", sa.Integer(), server_default="0", nullable=False),
        _time("used_at"),
        sa.ForeignKeyConstraint(["corporation_id"], ["corporations_followed.corporation_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["character_id"], ["users.character_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("corporation_id", "character_id"),
    )
    op.create_index("corporation_directors_character_id", "corporation_directors", ["character_id"], unique=False)
    # Corporations have lists too, each read with the tokens of several characters.
    op.add_column("killmail_lists", sa.Column("list_of", sa.BigInteger(), autoincrement=False, nullable=True))
    op.execute("UPDATE killmail_lists SET list_of = character_id")
    op.alter_column("killmail_lists", "list_of", nullable=False)
    op.drop_constraint("killmail_lists_pkey", "killmail_lists", type_="primary")
    op.create_primary_key("killmail_lists_pkey", "killmail_lists", ["list_of", "character_id", "page"])
    # A run is a character's or a corporation's.
    op.alter_column("sync_runs", "character_id", nullable=True)
    op.add_column("sync_runs", sa.Column("corporation_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "sync_runs_corporation_id_fkey",
        "sync_runs",
        "corporations_followed",
        ["corporation_id"],
        ["corporation_id"],
        ondelete="CASCADE",
    )
    op.create_check_constraint(
        "sync_runs_one_subject", "sync_runs", sa.text("num_nonnulls(character_id, corporation_id) = 1")
    )
    op.create_index(
        "sync_runs_corporation_id", "sync_runs", ["corporation_id", sa.literal_column("run_id DESC")], unique=False
    )


def downgrade() -> None:
    op.drop_index("sync_runs_corporation_id", table_name="sync_runs")
    op.drop_constraint("sync_runs_one_subject", "sync_runs", type_="check")
    op.execute("DELETE FROM sync_runs WHERE character_id IS NULL")
    op.drop_column("sync_runs", "corporation_id")
    op.alter_column("sync_runs", "character_id", nullable=False)
    op.drop_constraint("killmail_lists_pkey", "killmail_lists", type_="primary")
    op.execute("DELETE FROM killmail_lists WHERE list_of <> character_id")
    op.drop_column("killmail_lists", "list_of")
    op.create_primary_key("killmail_lists_pkey", "killmail_lists", ["character_id", "page"])
    op.drop_index("corporation_directors_character_id", table_name="corporation_directors")
    op.drop_table("corporation_directors")
    op.drop_table("corporations_followed")
