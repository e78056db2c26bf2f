"""`killreport rebuild-sums`, and what doctor says of the sums."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

from db.sums.build import Progress, begin_again, build_piece, choose_subjects, how_far, unfinished
from db.sums.compare import finished_subjects, some_days, wrong_sums
from operations.connections import database, postgres_failures
from operations.doctor.finding import Finding, Verdict
from operations.failure import OperationFailed
from settings import Settings

STATEMENT_SECONDS = 300
SAMPLE = 20
SUBJECT = "Sums"
AGAIN = "What is built stays; `killreport rebuild-sums --resume` goes on, and so does the hourly workflow `Sums`."


async def rebuild_sums(settings: Settings, *, resume: bool, on_progress: Callable[[int, int], None]) -> Progress:
    """Count the sums of everybody busy again, beside what runs; statistics count killmails until theirs are whole.

    Args:
        resume: only what an earlier call, or the workflow, left unfinished.
        on_progress: called with of how many subjects the sums are whole, and how many there are.

    Raises:
        OperationFailed: Postgres is away.
    """
    async with database(settings, statement_timeout_seconds=STATEMENT_SECONDS) as pool:
        try:
            with postgres_failures(settings):
                await choose_subjects(pool)
                if not resume:
                    await begin_again(pool)
                return await _build(pool, on_progress)
        except OperationFailed as failed:
            raise OperationFailed(f"{failed} {AGAIN}") from failed


async def _build(pool: asyncpg.Pool, on_progress: Callable[[int, int], None]) -> Progress:
    for subject_id in await unfinished(pool):
        while await build_piece(pool, subject_id):
            pass
        far = await how_far(pool)
        on_progress(far.finished, far.subjects)
    return await how_far(pool)


async def look_at_some_sums(pool: asyncpg.Pool) -> Finding:
    """A few days of a few subjects, chosen by chance, counted again."""
    days = await some_days(pool, SAMPLE)
    wrong = sorted({subject_id for subject_id, day in days if await wrong_sums(pool, subject_id, day)})
    far = await how_far(pool)
    if wrong:
        return _wrong(wrong, f"of {len(days)} days counted again")
    unfinished = f"; {far.subjects - far.finished:,} are still being built" if far.finished < far.subjects else ""
    detail = f"of {far.finished:,} pilots and corporations{unfinished}; {len(days)} days counted again: all exact"
    return Finding(SUBJECT, Verdict.GOOD, detail)


async def look_at_all_sums(pool: asyncpg.Pool, *, mend: bool) -> Finding:
    """Everything counted again; `mend` builds what is wrong anew."""
    subjects = await finished_subjects(pool)
    wrong = [subject_id for subject_id in subjects if await wrong_sums(pool, subject_id)]
    if not wrong:
        return Finding(SUBJECT, Verdict.GOOD, f"of {len(subjects):,} pilots and corporations, all exact")
    if not mend:
        return _wrong(wrong, "counted again", "Run `killreport doctor --reconcile --mend`.")
    await begin_again(pool, wrong)
    await _build(pool, lambda _done, _of: None)
    left = [subject_id for subject_id in wrong if await wrong_sums(pool, subject_id)]
    verdict = Verdict.FAILS if left else Verdict.MENDED
    return Finding(SUBJECT, verdict, f"of {_listed(wrong)} built anew; {len(left):,} still wrong")


def _wrong(subject_ids: list[int], how: str, mend: str = "Run `killreport rebuild-sums`.") -> Finding:
    return Finding(SUBJECT, Verdict.FAILS, f"of {_listed(subject_ids)} are not what a count gives, {how}", mend)


def _listed(subject_ids: list[int]) -> str:
    return f"{len(subject_ids):,} pilots or corporations (for example {', '.join(map(str, subject_ids[:5]))})"
