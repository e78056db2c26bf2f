"""EVE Ref's archives by day: `<year>/killmails-<date>.tar.bz2`, `<year>/market-history-<date>.csv.bz2`, `totals.json`.

As found in its documentation and in the files of 2026: days are written anew months later, a day can be missing, and
each file's ETag and Last-Modified hold. Asked over one connection at a time, and with validators wherever we have any.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar

import aiohttp
import msgspec
from prometheus_client import Counter

from eve.answer import Answer, exchange
from eve.errors import ArchiveLimited, EveError, MalformedBody, NotAsked, Unavailable
from eve.responses import date_in, etag_in, retry_after, status_failure

TOTALS_FRESH_SECONDS = 3600.0
"""So long the totals are not asked for again."""
LIMITED_SECONDS = 300.0
"""After a 429 that does not say how long."""
MAX_PACKED_BYTES = 512 * 1024 * 1024
"""Of one day; a usual one has 3 MB."""
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=60.0)
"""A day takes as long as what is in it takes to be stored: only silence is bounded."""
ANSWERS = Counter("killreport_archive_answers", "Answers of the killmail archive by status.", ["status"])


class DayFound(StrEnum):
    """What the archive has of a day."""

    FILE = "file"
    UNCHANGED = "unchanged"  # since the validators we sent
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Validators:
    """What the archive said of a file, word for word, to be sent back. "" where it said nothing."""

    etag: str = ""
    last_modified: str = ""

    @property
    def as_headers(self) -> dict[str, str]:
        """For a request that only wants what has changed."""
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class ArchiveDay:
    """An answer to a question for a day. `packed` blocks: it is to be read from a thread, within the context."""

    found: DayFound
    validators: Validators = Validators()
    packed: io.RawIOBase = field(default_factory=io.RawIOBase, repr=False)


class DailyArchive:
    """The client; one per process, which asks one thing at a time. `base_url` "": there is none to ask.

    Every call may raise `ArchiveLimited`, `Forbidden`, `Unavailable`, `BadRequest` and `MalformedBody`.

    Args:
        turns: of another archive on the same server, so that both together ask one thing at a time.
    """

    title: ClassVar[str]
    setting: ClassVar[str]
    file_name: ClassVar[str]

    def __init__(self, session: aiohttp.ClientSession, base_url: str, turns: DailyArchive | None = None) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._one_at_a_time: asyncio.Lock = asyncio.Lock() if turns is None else turns._one_at_a_time
        self._totals: dict[date, int] = {}
        self._totals_validators = Validators()
        self._totals_asked_at = float("-inf")

    @property
    def is_on(self) -> bool:
        """Whether there is an archive to ask."""
        return bool(self._base_url)

    async def totals(self) -> Mapping[date, int]:
        """How many entries there are of each day. At most an hour old."""
        async with self._one_at_a_time:
            if time.monotonic() - self._totals_asked_at < TOTALS_FRESH_SECONDS:
                return self._totals
            answer = await exchange(
                self._session,
                "GET",
                f"{self._base_url}/totals.json",
                service=self.title.capitalize(),
                headers=self._totals_validators.as_headers,
            )
            ANSWERS.labels(str(answer.status)).inc()
            if answer.status == 200:
                self._totals = self._read_totals(answer.body)
                self._totals_validators = _validators(answer)
            elif answer.status != 304:
                raise self._failure(answer)
            self._totals_asked_at = time.monotonic()
            return self._totals

    @asynccontextmanager
    async def day(self, day: date, known: Validators) -> AsyncIterator[ArchiveDay]:
        """The file of a day, or that it is as `known`. The connection is held for as long as the context is."""
        async with self.file(f"{self._base_url}/{day:%Y}/{self.file_name.format(day=day)}", known) as found:
            yield found

    @asynccontextmanager
    async def file(self, url: str, known: Validators = Validators()) -> AsyncIterator[ArchiveDay]:
        """The same of a day that is at this address."""
        headers = {"Accept": "*/*", **known.as_headers}
        async with self._one_at_a_time:
            try:
                response = await self._session.get(url, headers=headers, allow_redirects=False, timeout=TIMEOUT)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                raise NotAsked(f"{self.title.capitalize()} cannot be reached ({type(error).__name__}).") from None
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                raise _broken(self.title, error) from None
            answer = Answer(response.status, response.headers, b"")  # its body is read later, or not at all
            ANSWERS.labels(str(answer.status)).inc()
            async with response:
                if answer.status == 304:
                    yield ArchiveDay(DayFound.UNCHANGED, known)
                elif answer.status == 404:
                    yield ArchiveDay(DayFound.MISSING)
                elif answer.status == 200:
                    yield ArchiveDay(DayFound.FILE, _validators(answer), _FromLoop(response, self.title))
                else:
                    raise self._failure(answer)

    def _failure(self, answer: Answer) -> EveError:
        if answer.status == 429:
            now = datetime.now(UTC)
            return ArchiveLimited(now + timedelta(seconds=retry_after(answer, now) or LIMITED_SECONDS))
        return status_failure(answer.status, self.title.capitalize(), self.setting)

    def _read_totals(self, body: bytes) -> dict[date, int]:
        """Keys are dates, as YYYYMMDD or YYYY-MM-DD. One that is none is left out."""
        try:
            told = msgspec.json.decode(body, type=dict[str, int])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise MalformedBody(f"The totals of {self.title} are not counts by day.") from None
        totals = {}
        for name, count in told.items():
            try:
                totals[date.fromisoformat(name)] = count
            except ValueError:
                continue
        return totals


class KillmailArchive(DailyArchive):
    """All public killmails."""

    title = "the killmail archive"
    setting = "ARCHIVE_URL"
    file_name = "killmails-{day:%Y-%m-%d}.tar.bz2"


class MarketArchive(DailyArchive):
    """What was traded in each region, from October 2003 on."""

    title = "the market archive"
    setting = "MARKET_HISTORY_URL"
    file_name = "market-history-{day:%Y-%m-%d}.csv.bz2"


class _FromLoop(io.RawIOBase):
    """An answer's body, for a thread: it reads when the thread asks, so what is not wanted yet stays on the wire."""

    def __init__(self, response: aiohttp.ClientResponse, title: str) -> None:
        self._content = response.content
        self._title = title
        self._loop = asyncio.get_running_loop()
        self._read_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        chunk = asyncio.run_coroutine_threadsafe(self._chunk(len(buffer)), self._loop).result()
        buffer[: len(chunk)] = chunk
        return len(chunk)

    async def _chunk(self, size: int) -> bytes:
        try:
            chunk = await self._content.read(size)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _broken(self._title, error) from None
        self._read_bytes += len(chunk)
        if self._read_bytes > MAX_PACKED_BYTES:
            raise MalformedBody(f"{self._title.capitalize()} sent a day of more than {MAX_PACKED_BYTES} bytes.")
        return chunk


def _broken(title: str, error: Exception) -> Unavailable:
    return Unavailable(f"The connection to {title} failed ({type(error).__name__}).")


def _validators(answer: Answer) -> Validators:
    modified = answer.headers.get("Last-Modified", "")
    return Validators(etag_in(answer), modified if date_in(modified) else "")
