"""What every look at a killmail list comes to, whoever's it is: what is new is remembered, what is due is claimed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from prometheus_client import Counter, Histogram

from contracts.sync import Discovery
from db.syncs.looks import ListedPage, ListSeen, Standing, note_idle_look, take_on
from db.syncs.subjects import Subject
from eve.esi.killmail_list import KillmailWalk
from live import LiveEvents

LATENESS = Histogram(
    "killreport_look_lateness_seconds",
    "From when a scheduled look was due until its list was read.",
    ["of"],
    buckets=(1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 4 * 3600),
)
FOUND = Counter("killreport_killmails_found", "Killmails that a list showed us first.", ["of"])
for _of in ("pilot", "corporation"):
    LATENESS.labels(_of)
    FOUND.labels(_of)


@dataclass(frozen=True, slots=True)
class Look:
    """A look under way: whose list, with whose token, and how it stood before."""

    subject: Subject
    asked_by: int | None  # a character id; None: ESI was not asked
    before: Standing
    full: bool
    first: bool
    next_sync_at: datetime | None


def etags_to_send(before: Standing, *, full: bool, goes_on_at: int) -> dict[int, str]:
    """By page. A full look sends none with what it reads for the first time, however many walks it takes."""
    return {page: etag for page, etag in before.etags.items() if not full or page < goes_on_at}


async def conclude(pool: asyncpg.Pool, live: LiveEvents, look: Look, walk: KillmailWalk | None) -> Discovery:
    """Put down what the walk showed; None: ESI's cache still holds the list we have, so it was not asked.

    An unchanged list with nothing due costs one written row.
    """
    before, subject = look.before, look.subject
    of = "pilot" if subject.is_character else "corporation"
    if before.due_at is not None and (late := (datetime.now(UTC) - before.due_at).total_seconds()) >= 0:
        LATENESS.labels(of).observe(late)  # an earlier look is one that somebody asked for
    asked = walk is not None
    fresh_until = walk.fresh_until if walk is not None else before.fresh_until
    pages_missing_until = walk.rest_due_at if walk is not None else None
    if pages_missing_until is not None:
        fresh_until = None  # the rest of the pages may be asked for as soon as the budget allows
    seen = _seen(walk, before)
    if seen is None and not before.has_work and not look.full:
        await note_idle_look(pool, subject, asked=asked, fresh_until=fresh_until, next_sync_at=look.next_sync_at)
        if not before.shows_ok:
            await live.sync_changed(subject.id)
        return Discovery(
            listed=sum(before.listed.values()),
            unchanged=asked,
            fresh_until=fresh_until,
            asked=asked,
            pending_until=before.pending_until,
        )
    claimed = await take_on(
        pool,
        subject,
        look.asked_by,
        seen,
        # A walk that had to leave pages out proves nothing; the one that gets to the end does.
        kind="first" if look.first else "full" if look.full and pages_missing_until is None else "incremental",
        forgives=look.full,
        asked=asked,
        fresh_until=fresh_until,
        next_sync_at=look.next_sync_at,
    )
    FOUND.labels(of).inc(claimed.new)
    await live.sync_changed(subject.id)
    return Discovery(
        listed=claimed.listed,
        new=claimed.new,
        run_id=claimed.run_id,
        killmail_ids=claimed.killmail_ids,
        unchanged=walk is not None and walk.unchanged,
        fresh_until=fresh_until,
        asked=asked,
        pending_until=min(filter(None, (claimed.pending_until, pages_missing_until)), default=None),
        unnamed_killmail_ids=claimed.stored_before,
        rest_from_page=walk.rest_from if walk is not None else None,
    )


def _seen(walk: KillmailWalk | None, before: Standing) -> ListSeen | None:
    if walk is None or walk.unchanged or not (walk.pages or before.etags):
        return None
    return ListSeen(
        references=[(reference.killmail_id, reference.killmail_hash) for reference in walk.refs],
        pages={
            number: ListedPage(page.etag, page.killmail_ids if page.listed is not None else None)
            for number, page in walk.pages.items()
        },
        ends_at=walk.ends_at,
    )
