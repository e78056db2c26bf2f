"""`killreport load-sde PATH_OR_URL`: load the static part of the universe from CCP's own export."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp

import db.universe.static_data as tables
import eve.static_data as export
from db.universe.celestials import CELESTIALS
from db.universe.static_data import DuplicateStaticId, Kind, Loaded, StaticRows, load_static_data
from eve import celestials
from eve.session import open_session
from eve.static_data import InvalidStaticData, StaticData
from operations.connections import database, place, reason
from operations.failure import OperationFailed
from settings import Settings

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
CHUNK_BYTES = 1 << 18
LARGEST_EXPORT_BYTES = 1 << 30
"""Ten times the export of 2026: anything larger is something else."""
DOWNLOAD_SECONDS = 900.0

Progress = Callable[[str, int, int], None]
"""Called with what is being done, and how many bytes of how many (0: unknown)."""


async def load_export(settings: Settings, where: str, on_progress: Progress) -> Loaded:
    """Load the export at a path (zip or directory) or an address of its zip.

    Raises:
        OperationFailed: it cannot be read, is not the export, or the database cannot be used; nothing was changed.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="killreport-sde-") as directory:
            path = Path(where)
            if where.startswith(("http://", "https://")):
                path = Path(directory) / "static-data.zip"
                await _download(settings, where, path, on_progress)
            with StaticData(path) as static_data:
                async with database(settings) as pool:
                    return await load_static_data(pool, static_rows(static_data, on_progress), static_data.build_number)
    except (InvalidStaticData, DuplicateStaticId) as error:
        raise OperationFailed(f"Nothing was loaded. {error}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise OperationFailed(f"The export could not be downloaded from {place(where)}: {reason(error)}.") from error


def static_rows(static_data: StaticData, on_progress: Progress) -> Iterator[StaticRows]:
    """The rows of every file, each with the table they go into."""
    done, total = 0, static_data.size_of((*export.PARTS, *celestials.PARTS))

    def reading(kind: Kind) -> Callable[[int], None]:
        def read(size: int) -> None:
            nonlocal done
            done += size
            on_progress(f"Loading {kind.title}.", done, total)

        return read

    for part, kind in KIND_OF:
        yield StaticRows(kind, static_data.rows(part, reading(kind)))
    yield StaticRows(CELESTIALS, celestials.celestials(static_data, reading(CELESTIALS)))


async def _download(settings: Settings, address: str, path: Path, on_progress: Progress) -> None:
    limit = aiohttp.ClientTimeout(total=DOWNLOAD_SECONDS, sock_read=60)
    async with open_session(settings) as session, session.get(address, timeout=limit) as answer:
        answer.raise_for_status()
        done, total = 0, answer.content_length or 0
        with path.open("wb") as file:
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                done += len(chunk)
                if done > LARGEST_EXPORT_BYTES:
                    raise OperationFailed(f"{place(address)} sends more than an export can have; nothing was loaded.")
                file.write(chunk)
                on_progress("Downloading.", done, total)
