"""`killreport export`: a pilot's killmails as CSV or NDJSON, the same lines as the site's export."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

import orjson

from api.compiled.reads import CompiledReads
from api.exports.lines import Format, killmail_lines
from db.killmails.cursors import InvalidCursor
from db.killmails.filter import KillmailFilter, Viewer
from operations.connections import database, postgres_failures
from operations.failure import OperationFailed
from settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose killmails, and which, by days of EVE time. `after` is the cursor of the last line that is already there."""

    character_id: int
    form: Format
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None


async def export_to(settings: Settings, wanted: Wanted, path: str | None) -> int:
    """As `export`, into a new file, or appended to an existing one (`after`); None means standard output.

    Raises:
        OperationFailed: as `export`, or the file cannot be written.
    """
    if path is None:
        return await export(settings, wanted, sys.stdout.buffer)
    try:
        with open(path, "ab" if wanted.after else "xb") as file:  # noqa: ASYNC230 - nothing else waits in this process
            return await export(settings, wanted, file)
    except FileExistsError as error:
        raise OperationFailed(f"{path} already exists, so nothing was written. Use --after to continue it.") from error
    except OSError as error:
        raise OperationFailed(f"{path} cannot be written: {error.strerror}.") from error


async def export(settings: Settings, wanted: Wanted, into: BinaryIO) -> int:
    """Write the lines, newest first, and return how many killmails they were. A continued CSV gets no second header.

    Raises:
        OperationFailed: Postgres is away, the pilot never logged in, or `after` is not a cursor. The lines that were
            written are complete, and the message says how to continue.
        OSError: `into` cannot be written.
    """
    viewer = Viewer((wanted.character_id,))
    since, until = (day and day.replace(tzinfo=UTC) for day in (wanted.since, wanted.until))
    chosen = KillmailFilter(since=since, until=until)
    written, cursor = 0, wanted.after

    async def as_operator() -> Viewer:
        return viewer

    async with database(settings) as pool:
        with postgres_failures(settings):
            known = await pool.fetchval("SELECT true FROM users WHERE character_id = $1", wanted.character_id)
        if not known:
            raise OperationFailed(f"No pilot with the id {wanted.character_id} has ever logged in here.")
        header = wanted.after is None
        pages = killmail_lines(
            CompiledReads(pool), as_operator, chosen, "TIME", wanted.after, wanted.form, header=header
        )
        while True:
            try:
                with postgres_failures(settings):
                    page = await _next(pages)
            except OperationFailed as failed:
                go_on = f" {written:,} killmails were written; continue with --after {cursor}." if written else ""
                raise OperationFailed(f"{failed}{go_on}") from failed
            if page is None:
                return written
            into.write(page)
            lines = page.splitlines()
            written += len(lines) - (header and wanted.form == "csv")
            header = False
            cursor = _cursor(lines[-1], wanted.form) if lines else cursor


async def _next(pages: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(pages, None)
    except InvalidCursor as error:
        raise OperationFailed("--after is not a cursor of an export: use that of the last line.") from error


def _cursor(line: bytes, form: Format) -> str:
    """It is the last thing on a line."""
    return str(orjson.loads(line)["cursor"]) if form == "ndjson" else line.rpartition(b",")[2].decode()
