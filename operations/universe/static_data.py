"""`killreport load-sde PATH_OR_URL`: load the static part of the universe from CCP's own export."""

from __future__ import annotations

import tempfile
from pathlib import Path

import aiohttp

from db.universe.exported import Progress, static_rows
from db.universe.static_data import DuplicateStaticId, Loaded, load_static_data
from eve.session import open_session
from eve.static_data import InvalidStaticData, StaticData
from operations.connections import database, place, reason
from operations.failure import OperationFailed
from settings import Settings

CHUNK_BYTES = 1 << 18
LARGEST_EXPORT_BYTES = 1 << 30
"""Ten times the export of 2026: anything larger is something else."""
DOWNLOAD_SECONDS = 900.0
DOWNLOADED = "static-data.zip"


async def load_export(settings: Settings, where: str, on_progress: Progress) -> Loaded:
    """Load the export at a path (zip or directory) or an address of its zip.

    Raises:
        OperationFailed: it cannot be read, is not the export, or the database cannot be used; nothing was changed.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="killreport-sde-") as directory:
            path = Path(where)
            if where.startswith(("http://", "https://")):
                path = Path(directory) / DOWNLOADED
                await _download(settings, where, path, on_progress)
            with StaticData(path) as static_data:
                async with database(settings) as pool:
                    return await load_static_data(pool, static_rows(static_data, on_progress), static_data.build_number)
    except (InvalidStaticData, DuplicateStaticId) as error:
        raise OperationFailed(f"Nothing was loaded. {error}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise OperationFailed(f"The export could not be downloaded from {place(where)}: {reason(error)}.") from error
    except OSError as error:
        raise OperationFailed(
            f"Nothing was loaded: the export or the temporary directory, which TMPDIR names, cannot be used"
            f" ({error.strerror or reason(error)})."
        ) from error


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
