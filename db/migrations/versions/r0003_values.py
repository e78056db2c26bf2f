"""Price snapshots, and the values and flags of killmails."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

FIGURES = ("destroyed_value", "dropped_value", "fitted_value", "total_value")
ABOUT = ("price_date", "priced_kinds", "item_kinds", "solo", "npc", "awox", "damage_done", "top_damage_ordinal")


def upgrade() -> None:
    op.create_table(
        "price_snapshots",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "market_prices",
        sa.Column("type_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("average_price", sa.Numeric(), nullable=True),
        sa.Column("adjusted_price", sa.Numeric(), nullable=True),
        sa.ForeignKeyConstraint(["day"], ["price_snapshots.day"]),
        sa.PrimaryKeyConstraint("type_id", "day"),
    )
    for figure in FIGURES:
        op.add_column("killmails", sa.Column(figure, sa.Numeric(), nullable=True))
    op.add_column("killmails", sa.Column("price_date", sa.Date(), nullable=True))
    op.add_column("killmails", sa.Column("priced_kinds", sa.Integer(), nullable=True))
    op.add_column("killmails", sa.Column("item_kinds", sa.Integer(), nullable=True))
    for flag in ("solo", "npc", "awox"):
        op.add_column("killmails", sa.Column(flag, sa.Boolean(), nullable=True))
    op.add_column("killmails", sa.Column("damage_done", sa.BigInteger(), nullable=True))
    op.add_column("killmails", sa.Column("top_damage_ordinal", sa.Integer(), nullable=True))
    op.create_index("killmails_unvalued", "killmails", ["killmail_id"], postgresql_where=sa.text("price_date IS NULL"))


def downgrade() -> None:
    op.drop_index("killmails_unvalued", table_name="killmails", postgresql_where=sa.text("price_date IS NULL"))
    for column in reversed(FIGURES + ABOUT):
        op.drop_column("killmails", column)
    op.drop_table("market_prices")
    op.drop_table("price_snapshots")
