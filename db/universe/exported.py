"""CCP's static data export into our tables: which file goes where, and of which build it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import asyncpg

import db.universe.static_data as tables
import eve.static_data as export
from db.universe.celestials import CELESTIALS
from db.universe.hull_slots import HULL_SLOTS
from db.universe.static_data import Kind, StaticRows
from eve import celestials
from eve.hull_slots import TYPE_DOGMA, hull_slots
from eve.static_data import StaticData

# In the order of their ids in `entities`, then the rest.
KIND_OF = (
    (export.TYPES, tables.TYPES),
    (export.FACTIONS, tables.FACTIONS),
    (export.NPC_CORPORATIONS, tables.NPC_CORPORATIONS),
    (export.SOLAR_SYSTEMS, tables.SOLAR_SYSTEMS),
    (export.GROUPS, tables.GROUPS),
    (export.CATEGORIES, tables.CATEGORIES),
    (export.CONSTELLATIONS, tables.CONSTELLATIONS),
    (export.REGIONS, tables.REGIONS),
)
Progress = Callable[[str, int, int], None]
"""Called with what is being done, and how many bytes of how many (0: unknown)."""


def static_rows(static_data: StaticData, on_progress: Progress = lambda *_: None) -> Iterator[StaticRows]:
    """The rows of every file, each with the table they go into."""
    done, total = 0, static_data.size_of((*export.PARTS, *celestials.PARTS, TYPE_DOGMA))

    def reading(kind: Kind) -> Callable[[int], None]:
        def read(size: int) -> None:
            nonlocal done
            done += size
            on_progress(f"Loading {kind.title}.", done, total)

        return read

    for part, kind in KIND_OF:
        yield StaticRows(kind, static_data.rows(part, reading(kind)))
    yield StaticRows(CELESTIALS, celestials.celestials(static_data, reading(CELESTIALS)))
    yield StaticRows(HULL_SLOTS, hull_slots(static_data, reading(HULL_SLOTS)))


async def loaded_build(pool: asyncpg.Pool) -> int | None:
    """The build that the static data here is of; None without any, or if its export did not say.

    None also while there are no celestials or no slots: what is here was loaded before they were kept.
    """
    build: int | None = await pool.fetchval(
        """
        SELECT build_number FROM static_data_loads
        WHERE EXISTS (SELECT FROM celestials) AND EXISTS (SELECT FROM hull_slots)
        ORDER BY load_id DESC LIMIT 1
        """
    )
    return build


async def known_types(pool: asyncpg.Pool) -> int:
    """How many types are known."""
    count: int = await pool.fetchval("SELECT count(*) FROM types WHERE group_id IS NOT NULL")
    return count


async def record_build(pool: asyncpg.Pool, build: int) -> None:
    """What is here is of this build too: nothing that we keep has changed since."""
    await pool.execute("INSERT INTO static_data_loads (build_number) VALUES ($1)", build)
