"""One budget for everybody: a large corporation and twenty pilots who all log in at once.

ESI's buckets have their real sizes; only the window in which their tokens come back is shorter, which the product
learns from the answers like any other size. The time is held against the fastest schedule that the buckets and the
reserves of the classes allow.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.benches.installed import Measuring, measuring
from sandbox.benches.measured import Measured, at_most
from sandbox.benches.schedule import BODY_TOKENS, Work, ideal_seconds
from sandbox.installation import eventually

WINDOW_SECONDS = 120
REAL_WINDOW_SECONDS = 900
TOKENS = 3600
PILOTS_KEEP, CORPORATION_KEEPS = 100, 400
"""Thousandths of a bucket that first syncs and a corporation's backfill leave (docs/operating.md)."""
PILOTS, PILOT_KILLMAILS, CORPORATION_KILLMAILS = 20, 150, 2500
AT_MOST = 1.1
"""Times the ideal."""
BODIES = "/killmails/{killmail_id}/{killmail_hash}"
ROWS_PER_WINDOW = 4
PILOTS_COMPLETE = """
SELECT count(*) = $1 FROM users u WHERE u.first_synced_at IS NOT NULL AND NOT EXISTS (
  SELECT FROM killmail_lists l CROSS JOIN LATERAL unnest(l.killmail_ids) AS listed (killmail_id)
    JOIN killmail_refs r USING (killmail_id)
   WHERE l.list_of = u.character_id AND r.stored_at IS NULL)
"""
ALL_COMPLETE = """
SELECT count(*) >= $1 AND count(*) = count(stored_at) FROM killmail_refs
"""


@dataclass
class Seen:
    """What was measured: seconds from the first login, and the bodies asked for (time, killmail)."""

    pilots_seconds: float = 0.0
    seconds: float = 0.0
    bodies: list[tuple[float, int]] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)
    of_pilots: set[int] = field(default_factory=set)
    of_corporation: set[int] = field(default_factory=set)


async def shared_budget() -> Measured:
    """Measure from the first login to the last killmail stored."""
    async with measuring(window_seconds=WINDOW_SECONDS) as on:
        director, others = await _populate(on)
        seen = await _everybody_logs_in(on, director, others)
    return _judged(seen)


async def _populate(on: Measuring) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Give everybody their killmails; the director, and nineteen more pilots, two of them in the corporation."""
    pilots = await on.json("/_sandbox/pilots")
    director = pilots[0]
    members = [one for one in pilots[1:] if one["corporation_id"] == director["corporation_id"]]
    strangers = [one for one in pilots if one["corporation_id"] != director["corporation_id"]]
    strangers = [one for one in strangers if one["listed_killmails"] <= PILOT_KILLMAILS]
    others = members[:2] + strangers[: PILOTS - 3]
    for pilot in (director, *others):
        missing = PILOT_KILLMAILS - pilot["listed_killmails"]
        await on.tell("/_sandbox/killmails", character_id=pilot["character_id"], count=missing)
    have = (await on.json("/_sandbox/pilots"))[0]["corporation_killmails"]
    absent = members[2]["character_id"]
    await on.tell("/_sandbox/killmails", character_id=absent, count=CORPORATION_KILLMAILS - have)
    return director, others


async def _everybody_logs_in(on: Measuring, director: dict[str, Any], others: list[dict[str, Any]]) -> Seen:
    """The director first, who switches the corporation on; the others during what is left of the minute."""
    seen, started = Seen(), time.monotonic()
    begun = time.time()

    async def since(query: str, of: int, what: str) -> float:
        await eventually(lambda: on.database.fetchval(query, of), what, seconds=15 * WINDOW_SECONDS)
        return time.monotonic() - started

    await on.log_in(director["character_id"], corporation_id=director["corporation_id"])
    pause = 60 * WINDOW_SECONDS / REAL_WINDOW_SECONDS / len(others)

    async def arrive(position: int, pilot: dict[str, Any]) -> None:
        await asyncio.sleep(position * pause)
        await on.log_in(pilot["character_id"])

    await asyncio.gather(*(arrive(position, pilot) for position, pilot in enumerate(others)))
    seen.pilots_seconds = await since(PILOTS_COMPLETE, PILOTS, "the pilots to be complete")
    seen.seconds = await since(ALL_COMPLETE, CORPORATION_KILLMAILS, "the corporation to be complete")
    for request in await on.json("/_sandbox/requests"):
        if request["route"] == BODIES:
            seen.bodies.append((request["at"] - begun, int(request["path"].split("/")[2])))
        if 400 <= request["status"] < 500:
            seen.refusals[request["status"]] += 1
    for row in await on.database.fetch("SELECT corporation_id, killmail_ids FROM sync_runs"):
        (seen.of_corporation if row["corporation_id"] else seen.of_pilots).update(row["killmail_ids"])
    return seen


def _judged(seen: Seen) -> Measured:
    pilots = len({killmail_id for _, killmail_id in seen.bodies} & seen.of_pilots)
    rest = len({killmail_id for _, killmail_id in seen.bodies} - seen.of_pilots)
    of_pilots, of_corporation = Work(pilots, PILOTS_KEEP), Work(rest, CORPORATION_KEEPS)
    pilots_ideal = ideal_seconds(TOKENS, WINDOW_SECONDS, [of_pilots])
    ideal = ideal_seconds(TOKENS, WINDOW_SECONDS, [of_pilots, of_corporation])
    bare = ideal_seconds(TOKENS, WINDOW_SECONDS, [Work(pilots + rest, 0)])
    share = TOKENS * (1000 - CORPORATION_KEEPS) // 1000 // BODY_TOKENS
    corporation = [at for at, killmail_id in seen.bodies if killmail_id not in seen.of_pilots]
    before = sum(at <= seen.pilots_seconds for at in corporation)
    most = max((_within_a_window(corporation, at) for at in corporation), default=0)
    fetched = Counter(killmail_id for _, killmail_id in seen.bodies)
    again = sum(count - 1 for count in fetched.values())
    lines = [
        f"{PILOTS} pilots with {PILOT_KILLMAILS} killmails and a corporation with {CORPORATION_KILLMAILS}, together"
        f" {pilots + rest} bodies; {TOKENS} tokens in {WINDOW_SECONDS} s (ESI: in {REAL_WINDOW_SECONDS} s)",
        *_over_time(seen),
        f"pilots complete after {seen.pilots_seconds:.0f} s (ideal, were they alone: {pilots_ideal:.0f} s); by then"
        f" the corporation, which began first, had taken {before} bodies",
        f"the corporation took at most {most} bodies in one window; its share is {share}",
        f"all complete after {seen.seconds:.0f} s; ideal with the reserves {ideal:.0f} s:"
        f" {seen.seconds / ideal:.2f} times (if nothing were kept back for others: {bare:.0f} s)",
        f"4XX answers: {dict(seen.refusals) or 'none'}; bodies fetched twice: {again}",
    ]
    goals = [
        at_most("login to the last killmail stored", seen.seconds / ideal, AT_MOST, "times the ideal"),
        at_most("what EVE refuses", seen.refusals[420] + seen.refusals[429], 0, "answers 420 or 429"),
        at_most("the corporation's bodies within a window", most, share, "(its share)"),
        at_most("fetched twice", again, 0, "bodies"),
    ]
    return Measured(lines, [], goals)


def _within_a_window(moments: Collection[float], since: float) -> int:
    return sum(since <= at < since + WINDOW_SECONDS for at in moments)


def _over_time(seen: Seen) -> Iterable[str]:
    """How many bodies each class asked for, in each quarter of a window."""
    length = WINDOW_SECONDS / ROWS_PER_WINDOW
    rows: Counter[tuple[int, bool]] = Counter(
        (int(at // length), killmail_id in seen.of_pilots) for at, killmail_id in seen.bodies
    )
    yield "seconds: first syncs, corporation"
    for row in range(max(row for row, _ in rows) + 1):
        yield f"{row * length:7.0f}: {rows[row, True]:11}, {rows[row, False]:11}"
