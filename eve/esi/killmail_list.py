"""Walking a list of recent killmails, page by page, without losing one.

What ESI promises and what it does not (ESI docs, "Pagination: X-Pages" and "Best practices"): pages of up
to 1,000, `X-Pages` says how many; no order is promised, so every page is asked for, each with its own
If-None-Match; pages of one snapshot carry the same Last-Modified, and while the list shifts under us a
killmail can hide between two pages, so a walk over mixed snapshots is repeated, and what any of its passes
showed is kept. Beyond the last page ESI answers 404, and some answer so for an empty history too.

A list longer than the budget of one window is walked over several looks: each asks for page 1, where what is new
tends to be, and goes on where the one before had to stop. What moves over that border meanwhile is found by the next
walk, which begins at page 1 again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from eve.answer import Answer
from eve.decoding import SomeId, entries
from eve.errors import Downtime, MalformedBody, NotFound, RateLimited, Unavailable
from eve.esi.freshness import fresh_until
from eve.killmail import KillmailRef, is_killmail_hash
from eve.responses import etag_in

PAGE_SIZE = 1000
MAX_PAGES = 100
"""Pages walked at most; a character's budget allows 13 a window: each costs 2 of 30 tokens and reserves 5."""
MAX_PASSES = 3
"""Passes over a list that keeps shifting."""
REST_AFTER_FAILURE = timedelta(minutes=1)
"""When the pages that ESI failed to give are asked for again."""
FEW = 5
"""Entries that may be unusable where none is usable; more, and it is the whole list that cannot be read."""


NO_HASH = ""
"""Of a killmail that ESI lists without a hash that could be one: known by its id, and not to be fetched."""


class _Listed(msgspec.Struct, frozen=True):
    killmail_id: SomeId
    killmail_hash: Any = None


AskPage = Callable[[int, str], Awaitable[Answer]]
"""Fetch a page: its number (from 1), the ETag to send or ""; answers 200 or 304, raises an `EveError` otherwise."""


@dataclass(frozen=True, slots=True)
class PageSeen:
    """A page as last seen. `listed` None: it answered 304, so its killmails were seen with that ETag before."""

    etag: str
    listed: int | None
    killmail_ids: tuple[int, ...] = field(default=(), repr=False, compare=False)


@dataclass(slots=True)
class KillmailWalk:
    """What a list showed.

    `unchanged`: every page answered 304. `refs` are those of the pages that did not, each killmail once.
    `pages` are those asked for. `fresh_until` (UTC): asking sooner is useless.
    `rest_due_at` (UTC): the budget ran out, or ESI failed, after some pages; keep what is here and come back then, to
    go on at page `rest_from`. `ends_at`: the list has no page after this one; None: the end was not reached.
    `unusable`: entries without an id or hash that could be one, by what is wrong with them. Those with an id are
    among `refs`, with `NO_HASH`.
    """

    unchanged: bool
    refs: tuple[KillmailRef, ...]
    pages: dict[int, PageSeen]
    fresh_until: datetime | None
    rest_due_at: datetime | None = None
    unusable: Counter[str] = field(default_factory=Counter)
    rest_from: int | None = None
    ends_at: int | None = None


async def walk(
    ask_page: AskPage, etags: Mapping[int, str], now: Callable[[], datetime], goes_on_at: int = 1
) -> KillmailWalk:
    """Walk the list; `etags` are the pages' ETags as last remembered (none: fetch all).

    Args:
        goes_on_at: the page that the last walk did not get to (`rest_from`); between it and page 1 none is asked for.

    Raises:
        EveError: whatever the first page failed with, or a later one when nothing new was learned before. A budget
            that is spent, or an outage, after something was learned is told by `rest_due_at`.
        MalformedBody: a page is not a list of ids and hashes. Single entries that are not are left out.
    """
    seen = _Seen(dict(etags), now, goes_on_at)
    for _ in range(MAX_PASSES):
        try:
            consistent = await _pass(ask_page, seen)
        except (RateLimited, Downtime) as error:
            if not seen.pages or (isinstance(error, Downtime) and not seen.refs):
                raise
            return seen.result(None if seen.whole else error.until)
        except (Unavailable, MalformedBody):
            if not seen.refs:
                raise
            if seen.page == goes_on_at:
                seen.page = 1  # where a page fails again and again, those before it are read all the same
            return seen.result(None if seen.whole else now() + REST_AFTER_FAILURE)
        seen.whole = True
        if consistent:
            break
    return seen.result(None)


@dataclass(slots=True)
class _Seen:
    etags: dict[int, str]
    now: Callable[[], datetime]
    goes_on_at: int
    page: int = 1  # asked for last
    ends_at: int | None = None
    refs: dict[int, KillmailRef] = field(default_factory=dict)
    pages: dict[int, PageSeen] = field(default_factory=dict)
    fresh: list[datetime] = field(default_factory=list)
    unusable: dict[int, Counter[str]] = field(default_factory=dict)
    whole: bool = False

    def result(self, rest_due_at: datetime | None) -> KillmailWalk:
        unchanged = (
            bool(self.pages) and rest_due_at is None and all(page.listed is None for page in self.pages.values())
        )
        fresh = max(self.fresh, default=None)
        unusable = sum(self.unusable.values(), Counter[str]())
        rest_from = None if rest_due_at is None else self.page
        refs = tuple(self.refs.values())
        return KillmailWalk(unchanged, refs, self.pages, fresh, rest_due_at, unusable, rest_from, self.ends_at)


async def _pass(ask_page: AskPage, seen: _Seen) -> bool:
    """Ask for each page of this walk once; whether they belonged to one snapshot."""
    snapshots: set[str] = set()
    counts: set[int] = set()
    page, last = 1, seen.goes_on_at
    seen.fresh.clear()
    while page <= min(last, MAX_PAGES):
        seen.page = page
        try:
            answer = await ask_page(page, seen.etags.get(page, ""))
        except NotFound:
            # Beyond the end: the list shrank while we read it. On page 1: no history at all.
            seen.pages = {number: known for number, known in seen.pages.items() if number < page}
            seen.ends_at = page - 1
            return page == 1
        listed = _take(answer, page, seen)
        snapshots |= {answer.headers["Last-Modified"]} if "Last-Modified" in answer.headers else set()
        total = _total(answer)
        if total is not None:
            counts.add(total)
            last = total
        elif answer.status == 304:
            last = max(last, *seen.etags)
        elif listed >= PAGE_SIZE:
            last = max(last, page + 1)
        page = max(page + 1, seen.goes_on_at)
    seen.pages = {number: known for number, known in seen.pages.items() if number <= last}
    seen.ends_at = last
    return len(snapshots) <= 1 and len(counts) <= 1


def _take(answer: Answer, page: int, seen: _Seen) -> int:
    """Note what a page holds; how many killmails it listed."""
    etag = etag_in(answer)
    until = fresh_until(answer, seen.now())
    if until is not None:
        seen.fresh.append(until)
    if answer.status == 304:
        if not seen.etags.get(page):
            raise MalformedBody("ESI answered 304 to a request without If-None-Match.")
        # In a later pass the page is one that this walk itself read: it keeps its count.
        seen.pages.setdefault(page, PageSeen(seen.etags[page], None))
        return 0
    listed = entries(answer.body, _Listed, "ESI")
    hashless = 0
    for one in listed.good:
        is_usable = is_killmail_hash(one.killmail_hash)
        hashless += not is_usable
        known = seen.refs.get(one.killmail_id)
        if known is None or (is_usable and known.killmail_hash == NO_HASH):
            seen.refs[one.killmail_id] = KillmailRef(one.killmail_id, one.killmail_hash if is_usable else NO_HASH)
    refused = listed.refused.total() + hashless
    if hashless == len(listed.good) and refused > FEW:
        raise MalformedBody("ESI's list of killmails is not as agreed: no entry has an id and a hash.")
    if hashless:
        listed.refused["without a hash that could be one"] = hashless
    seen.unusable[page] = listed.refused
    killmail_ids = tuple(dict.fromkeys(one.killmail_id for one in listed.good))
    seen.pages[page] = PageSeen(etag, len(killmail_ids), killmail_ids)
    seen.etags[page] = etag
    return len(listed.good) - hashless + refused


def _total(answer: Answer) -> int | None:
    value = answer.headers.get("X-Pages", "").strip()
    return max(1, int(value)) if value.isdecimal() and len(value) < 7 else None
