"""Types with their groups and categories, places, and details of characters, corporations and alliances."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES: dict[str, tuple[str, tuple[tuple[str, sa.types.TypeEngine[Any]], ...]]] = {
    "types": ("type_id", (("group_id", sa.BigInteger()),)),
    "type_groups": ("group_id", (("category_id", sa.BigInteger()), ("name", sa.Text()))),
    "type_categories": ("category_id", (("name", sa.Text()),)),
    "constellations": (
        "constellation_id",
        (("region_id", sa.BigInteger()), ("name", sa.Text()), ("wormhole_class", sa.Integer())),
    ),
    "regions": ("region_id", (("name", sa.Text()), ("wormhole_class", sa.Integer()))),
    "character_details": (
        "character_id",
        (("birthday", sa.DateTime(timezone=True)), ("security_status", sa.Double())),
    ),
    "corporation_details": ("corporation_id", (("ticker", sa.Text()),)),
    "alliance_details": ("alliance_id", (("ticker", sa.Text()),)),
}


def upgrade() -> None:
    for table, (key, columns) in TABLES.items():
        op.create_table(
            table,
            sa.Column(key, sa.BigInteger(), autoincrement=False, nullable=False),
            *(sa.Column(name, kind, nullable=True) for name, kind in columns),
            sa.Column("fetched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
            sa.Column("misses", sa.Integer(), server_default="0", nullable=False),
            sa.PrimaryKeyConstraint(key),
        )
    op.create_table(
        "details_wanted",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id"),
    )
    op.create_table(
        "static_data_loads",
        sa.Column("load_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("build_number", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("load_id"),
    )
    op.add_column("solar_systems", sa.Column("wormhole_class", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("solar_systems", "wormhole_class")
    op.drop_table("static_data_loads")
    op.drop_table("details_wanted")
    for table in reversed(TABLES):
        op.drop_table(table)
