"""`killreport export`: a pilot's killmails as CSV or NDJSON, the same lines as the site's export."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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


class NotWritten(Exception):
    """A page could not be written. `why` says what failed; `go_on`: how to continue behind what is whole."""

    def __init__(self, why: OSError, go_on: str) -> None:
        super().__init__(why, go_on)
        self.why = why
        self.go_on = go_on


@dataclass(slots=True)
class _Written:
    """The lines that are whole. `header`: the next one is a CSV's."""

    form: Format
    header: bool
    killmails: int = 0
    cursor: str | None = None

    def add(self, lines: list[bytes]) -> None:
        self.killmails += len(lines) - (self.header and bool(lines))
        self.header = self.header and not lines
        if self.killmails and lines:
            self.cursor = _cursor(lines[-1], self.form)

    @property
    def go_on(self) -> str:
        """The end of a message."""
        if not self.killmails:
            return ""
        return f" {self.killmails:,} killmails were written; continue with --after {self.cursor}."


async def export_to(settings: Settings, wanted: Wanted, path: str | None) -> int:
    """As `export`, into a new file, or appended to an existing one (`after`); None means standard output.

    No new file is left behind if nothing was written to it.

    Raises:
        OperationFailed: as `export`, or the file cannot be written.
        BrokenPipeError: nobody reads on. That is no failure of ours: Click ends the process without a word.
    """
    try:
        if path is None:
            # Without the buffer: what it did not take would be tried again at the end, and fail once more.
            stdout: Any = sys.stdout.buffer
            return await export(settings, wanted, getattr(stdout, "raw", stdout))
        with open(path, "ab" if wanted.after else "xb", 0) as file:  # noqa: ASYNC230 - nothing else waits here
            try:
                return await export(settings, wanted, file)
            except BaseException:  # Ctrl-C, too
                if not wanted.after and not os.fstat(file.fileno()).st_size:
                    os.unlink(path)  # it would be in the way of the next attempt
                raise
    except NotWritten as failed:
        if isinstance(failed.why, BrokenPipeError):
            raise failed.why from None
        where = path or "Standard output"
        raise OperationFailed(f"{where} cannot be written: {failed.why.strerror}.{failed.go_on}") from failed
    except FileExistsError as error:
        raise OperationFailed(f"{path} already exists, so nothing was written. Use --after to continue it.") from error
    except OSError as error:
        raise OperationFailed(f"{path} cannot be written: {error.strerror}.") from error


async def export(settings: Settings, wanted: Wanted, into: io.RawIOBase) -> int:
    """Write the lines, newest first, and return how many killmails they were. A continued CSV gets no second header.

    Raises:
        OperationFailed: Postgres is away, the pilot never logged in, or `after` is not a cursor. The lines that were
            written are complete, and the message says how to continue.
        NotWritten: `into` cannot be written. A line that was begun is taken back where that can be.
    """
    viewer = Viewer((wanted.character_id,))
    since, until = (day and day.replace(tzinfo=UTC) for day in (wanted.since, wanted.until))
    chosen = KillmailFilter(since=since, until=until)
    written = _Written(wanted.form, header=wanted.after is None and wanted.form == "csv")

    async def as_operator() -> Viewer:
        return viewer

    async with database(settings) as pool:
        with postgres_failures(settings):
            known = await pool.fetchval("SELECT true FROM users WHERE character_id = $1", wanted.character_id)
        if not known:
            raise OperationFailed(f"No pilot with the id {wanted.character_id} has ever logged in here.")
        pages = killmail_lines(
            CompiledReads(pool), as_operator, chosen, "TIME", wanted.after, wanted.form, header=written.header
        )
        while True:
            try:
                with postgres_failures(settings):
                    page = await _next(pages)
            except OperationFailed as failed:
                raise OperationFailed(f"{failed}{written.go_on}") from failed
            if page is None:
                return written.killmails
            _write(into, page, written)


def _write(into: io.RawIOBase, page: bytes, written: _Written) -> None:
    rest = memoryview(page)
    try:
        while rest:
            taken = into.write(rest)
            if taken is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            rest = rest[taken:]
    except OSError as error:
        whole, _, torn = page[: len(page) - len(rest)].rpartition(b"\n")
        if torn:
            with contextlib.suppress(OSError):  # a pipe keeps what it has
                into.truncate(into.tell() - len(torn))
        written.add(whole.splitlines())
        raise NotWritten(error, written.go_on) from error
    written.add(page.splitlines())


async def _next(pages: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(pages, None)
    except InvalidCursor as error:
        raise OperationFailed("--after is not a cursor of an export: use that of the last line.") from error


def _cursor(line: bytes, form: Format) -> str:
    """It is the last thing on a line."""
    return str(orjson.loads(line)["cursor"]) if form == "ndjson" else line.rpartition(b",")[2].decode()
