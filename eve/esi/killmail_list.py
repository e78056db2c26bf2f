"""Walking a list of recent killmails, page by page, without losing one.

What ESI promises and what it does not (ESI docs, "Pagination: X-Pages" and "Best practices"): pages of up
to 1,000, `X-Pages` says how many; no order is promised, so every page is asked for, each with its own
If-None-Match; pages of one snapshot carry the same Last-Modified, and while the list shifts under us a
killmail can hide between two pages, so a walk over mixed snapshots is repeated, and what any of its passes
showed is kept. Beyond the last page ESI answers 404, and some answer so for an empty history too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from eve.answer import Answer
from eve.errors import NotFound, RateLimited
from eve.esi.freshness import fresh_until
from eve.killmail import KillmailRef, is_killmail_hash
from eve.responses import expect, parsed

PAGE_SIZE = 1000
MAX_PAGES = 100
"""Pages walked at most; a character's budget allows 15 a window."""
MAX_PASSES = 3
"""Passes over a list that keeps shifting."""

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
    `pages` replaces what was remembered of the list. `fresh_until` (UTC): asking sooner is useless.
    `incomplete`: the budget ran out after some pages; keep what is here (remembering `pages`, the next
    walk gets the rest) and come back after its `until`.
    """

    unchanged: bool
    refs: tuple[KillmailRef, ...]
    pages: dict[int, PageSeen]
    fresh_until: datetime | None
    incomplete: RateLimited | None = None


async def walk(ask_page: AskPage, etags: Mapping[int, str], now: Callable[[], datetime]) -> KillmailWalk:
    """Walk the list; `etags` are the pages' ETags as last remembered (none: fetch all).

    Raises:
        EveError: whatever the first page, or a later one but for `RateLimited`, failed with.
        MalformedBody: a page is not a list of ids and hashes.
    """
    seen = _Seen(dict(etags), now)
    for _ in range(MAX_PASSES):
        try:
            consistent = await _pass(ask_page, seen)
        except RateLimited as error:
            if not seen.pages:
                raise
            return seen.result(None if seen.whole else error)
        seen.whole = True
        if consistent:
            break
    return seen.result(None)


@dataclass(slots=True)
class _Seen:
    etags: dict[int, str]
    now: Callable[[], datetime]
    refs: dict[int, KillmailRef] = field(default_factory=dict)
    pages: dict[int, PageSeen] = field(default_factory=dict)
    fresh: list[datetime] = field(default_factory=list)
    whole: bool = False

    def result(self, incomplete: RateLimited | None) -> KillmailWalk:
        unchanged = bool(self.pages) and incomplete is None and all(page.listed is None for page in self.pages.values())
        fresh = max(self.fresh, default=None)
        return KillmailWalk(unchanged, tuple(self.refs.values()), self.pages, fresh, incomplete)


async def _pass(ask_page: AskPage, seen: _Seen) -> bool:
    """Ask for each page once; whether they belonged to one snapshot."""
    snapshots: set[str] = set()
    counts: set[int] = set()
    page, last = 1, 1
    seen.fresh.clear()
    while page <= min(last, MAX_PAGES):
        try:
            answer = await ask_page(page, seen.etags.get(page, ""))
        except NotFound:
            # Beyond the end: the list shrank while we read it. On page 1: no history at all.
            seen.pages = {number: known for number, known in seen.pages.items() if number < page}
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
            last = page + 1
        page += 1
    seen.pages = {number: known for number, known in seen.pages.items() if number <= last}
    return len(snapshots) <= 1 and len(counts) <= 1


def _take(answer: Answer, page: int, seen: _Seen) -> int:
    """Note what a page holds; how many killmails it listed."""
    etag = answer.headers.get("ETag", "")
    until = fresh_until(answer, seen.now())
    if until is not None:
        seen.fresh.append(until)
    if answer.status == 304:
        expect(bool(seen.etags.get(page)), "ESI answered 304 to a request without If-None-Match.")
        # In a later pass the page is one that this walk itself read: it keeps its count.
        seen.pages.setdefault(page, PageSeen(seen.etags[page], None))
        return 0
    refs = references(parsed(answer))
    for ref in refs:
        seen.refs.setdefault(ref.killmail_id, ref)
    seen.pages[page] = PageSeen(etag, len(refs), tuple(ref.killmail_id for ref in refs))
    seen.etags[page] = etag
    return len(refs)


def references(document: Any) -> list[KillmailRef]:
    """The references in a page's body.

    Raises:
        MalformedBody: not a list of objects with a killmail's id and a hash of 40 hexadecimal digits.
    """
    expect(isinstance(document, list), "ESI's list of killmails is not a list.")
    refs = []
    for entry in document:
        expect(isinstance(entry, dict), "ESI's list of killmails holds something that is no object.")
        killmail_id, killmail_hash = entry.get("killmail_id"), entry.get("killmail_hash")
        sound = type(killmail_id) is int and 0 < killmail_id < 2**63
        expect(sound, "ESI's list of killmails holds an entry without a usable killmail_id.")
        expect(is_killmail_hash(killmail_hash), f"ESI lists killmail {killmail_id} without a usable hash.")
        refs.append(KillmailRef(killmail_id, killmail_hash))
    return refs


def _total(answer: Answer) -> int | None:
    value = answer.headers.get("X-Pages", "").strip()
    return max(1, int(value)) if value.isdecimal() and len(value) < 7 else None
