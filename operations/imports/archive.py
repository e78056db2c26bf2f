"""`killreport import-archive`: the days of the public archive, newest first, or files of it that are here."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from temporalio.client import WorkflowFailureError

from activities.webhooks import WebhookBell
from contracts.archive import DayOutcome, DayReport, archive_day_id, day_sentence
from db.intake.archive_days import archive_subjects, days_to_read
from db.intake.public import PublicIntake
from eve.archive.client import DayFound, KillmailArchive
from eve.errors import EveError
from eve.session import open_session
from eve.wanted import Wanted
from live import LiveEvents
from operations.connections import database, redis_client, temporal_client, temporal_failures
from operations.failure import OperationFailed
from settings import Settings
from temporal.archive import start_archive_day
from temporal.universe import name_old_killmails

NAMED_AFTER = timedelta(seconds=5)
_FILE = re.compile(r"killmails-(?P<day>\d{4}-\d{2}-\d{2})\.tar\.bz2")
OnDay = Callable[[str, int, int], None]
"""Told after each day: its sentence, how many are done, of how many."""


@dataclass
class ArchiveImported:
    """What the days brought. `skipped`: had been read before for everybody who is here."""

    days: dict[str, int] = field(default_factory=dict)
    skipped: int = 0
    wanted: int = 0
    new: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def add(self, report: DayReport) -> None:
        """Count a day in."""
        self.days[str(report.outcome)] = self.days.get(str(report.outcome), 0) + 1
        self.wanted += report.wanted
        self.new += report.new
        for reason, count in report.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + count


async def import_days(settings: Settings, first: date, last: date, on_day: OnDay) -> ArchiveImported:
    """Have every day from `last` back to `first` read by the workers. What was read before is not asked for again, so
    that whoever is interrupted starts the same command once more.

    Raises:
        OperationFailed: a service is away, no archive is asked, or the archive did not answer for a day.
    """
    if not settings.archive_url:
        raise OperationFailed("No archive is asked: ARCHIVE_URL is off.")
    imported = ArchiveImported()
    every_day = [last - timedelta(days=back) for back in range((last - first).days + 1)]
    async with database(settings) as pool:
        days = await days_to_read(pool, every_day, everything=settings.public_board)
    imported.skipped = len(every_day) - len(days)
    client = await temporal_client(settings)
    with temporal_failures(settings):
        for done, day in enumerate(days, start=1):
            try:
                report = await (await start_archive_day(client, day)).result()
            except WorkflowFailureError as error:
                raise OperationFailed(
                    f"{day} could not be read (workflow {archive_day_id(day)}; Temporal's UI says why). The days after"
                    " it are done: run this again to go on with it."
                ) from error
            imported.add(report)
            on_day(day_sentence(report), done, len(days))
            if report.outcome is DayOutcome.NOBODY:
                break
    return imported


async def import_files(settings: Settings, places: Sequence[str], on_day: OnDay) -> ArchiveImported:
    """Read files of the archive: of this machine, all of a directory and below it, or at a URL; newest first.

    Raises:
        OperationFailed: a service is away, or a place holds no day of the archive.
    """
    files = _files(places)
    imported = ArchiveImported()
    client = await temporal_client(settings)
    async with database(settings) as pool, redis_client(settings) as connection:
        subjects = await archive_subjects(pool)
        wanted = Wanted(subjects.characters, subjects.corporations, settings.public_board)
        name = partial(name_old_killmails, client, after=NAMED_AFTER)
        intake = PublicIntake(pool, LiveEvents(connection), name, WebhookBell(pool, client).ring)
        with temporal_failures(settings):
            for done, (day, place) in enumerate(files, start=1):
                async with _opened(settings, place) as packed:
                    account = await intake.read(packed, wanted, datetime.now(UTC), None)
                counts = (account.expected, account.taken, account.wanted, account.new, dict(account.refused))
                report = DayReport(day, DayOutcome.READ, *counts)
                imported.add(report)
                on_day(day_sentence(report), done, len(files))
    return imported


@contextlib.asynccontextmanager
async def _opened(settings: Settings, place: Path | str) -> AsyncIterator[io.RawIOBase | io.BufferedIOBase]:
    if isinstance(place, Path):
        try:
            file = await asyncio.to_thread(place.open, "rb")
        except OSError as error:
            raise OperationFailed(f"{place} cannot be read: {error.strerror}.") from error
        with file:
            yield file
        return
    try:
        async with open_session(settings) as session, KillmailArchive(session, "").file(place) as answer:
            if answer.found is not DayFound.FILE:
                raise OperationFailed(f"There is nothing at {place}.")
            yield answer.packed
    except EveError as error:
        raise OperationFailed(f"{place} could not be read: {error}") from error


def _files(places: Sequence[str]) -> list[tuple[str, Path | str]]:
    found: list[tuple[str, Path | str]] = []
    for place in places:
        if place.startswith(("http://", "https://")):
            if (named := _FILE.fullmatch(place.rpartition("/")[2])) is None:
                raise OperationFailed(f"{place} is no day of the archive (killmails-YYYY-MM-DD.tar.bz2).")
            found.append((named["day"], place))
            continue
        path = Path(place)
        try:
            days = _days_at(path)
        except OSError as error:
            raise OperationFailed(f"{path} cannot be read: {error.strerror}.") from error
        if not days:
            raise OperationFailed(f"{path} is no day of the archive (killmails-YYYY-MM-DD.tar.bz2), nor holds one.")
        found += days
    return sorted(found, key=lambda one: one[0], reverse=True)


def _days_at(path: Path) -> list[tuple[str, Path]]:
    candidates = sorted(path.rglob("*.tar.bz2")) if path.is_dir() else [path]
    return [(named["day"], one) for one in candidates if (named := _FILE.fullmatch(one.name)) and one.is_file()]
