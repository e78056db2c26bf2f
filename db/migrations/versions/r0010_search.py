"""Indexes for the search by names and tickers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

WORDS = "array_to_tsvector(array_remove(string_to_array(lower(name), ' '), ''))"


def upgrade() -> None:
    op.create_index("entities_name", "entities", ["category", sa.literal_column("lower(name) text_pattern_ops")])
    op.create_index("entities_words", "entities", [sa.literal_column(WORDS)], postgresql_using="gin")
    for table in ("corporation_details", "alliance_details"):
        op.create_index(f"{table}_ticker", table, [sa.literal_column("lower(ticker) text_pattern_ops")])


def downgrade() -> None:
    for table in ("alliance_details", "corporation_details"):
        op.drop_index(f"{table}_ticker", table_name=table)
    op.drop_index("entities_words", table_name="entities")
    op.drop_index("entities_name", table_name="entities")
