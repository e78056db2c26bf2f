"""Indexes for filters: system, value, awox, lost ship, constellation, region, group."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None

NEWEST: list[sa.ColumnClause[object]] = [
    sa.literal_column("killmail_time DESC"),
    sa.literal_column("killmail_id DESC"),
]


def upgrade() -> None:
    op.create_index("killmails_solar_system", "killmails", ["solar_system_id", *NEWEST])
    op.create_index(
        "killmails_value",
        "killmails",
        [sa.literal_column("total_value DESC"), sa.literal_column("killmail_id DESC")],
        postgresql_where=sa.text("total_value IS NOT NULL"),
    )
    op.create_index("killmails_awox", "killmails", [*NEWEST], postgresql_where=sa.text("awox"))
    op.create_index(
        "participants_ship_losses",
        "participants",
        ["ship_type_id", *NEWEST],
        postgresql_where=sa.text("is_victim"),
    )
    op.create_index("solar_systems_constellation_id", "solar_systems", ["constellation_id"])
    op.create_index("constellations_region_id", "constellations", ["region_id"])
    op.create_index("types_group_id", "types", ["group_id"])


def downgrade() -> None:
    op.drop_index("types_group_id", table_name="types")
    op.drop_index("constellations_region_id", table_name="constellations")
    op.drop_index("solar_systems_constellation_id", table_name="solar_systems")
    op.drop_index("participants_ship_losses", table_name="participants")
    op.drop_index("killmails_awox", table_name="killmails")
    op.drop_index("killmails_value", table_name="killmails")
    op.drop_index("killmails_solar_system", table_name="killmails")
