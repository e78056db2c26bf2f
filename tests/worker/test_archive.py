"""Days of the public archive: a real worker, Temporal, Postgres and Redis against the archive of the sandbox EVE."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

import activities.archive
from activities.archive import ArchiveDays
from contracts.archive import HISTORY_ID, DayOutcome, DayReport, FollowReport, ReadArchiveDay
from contracts.task_queues import SYNC_QUEUE
from db.intake.history import ask_for_history, history_progress
from db.intake.public import PublicIntake
from eve.archive import members
from eve.archive.client import KillmailArchive
from eve.archive.members import Refusal
from eve.errors import ArchiveLimited
from eve.session import open_session
from live import LiveEvents
from operations.failure import OperationFailed
from operations.imports.archive import import_days, import_files
from redis_client import open_redis
from sandbox.eve.archive import ROUTE, pack_day
from sandbox.eve.killmails import Killmail
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.archive import start_archive_day, start_archive_history
from tests.logins import add_user
from tests.stored import count, on_zkillboard, stored

DAY_SECONDS = 86_400
HISTORY = 5
"""Days before yesterday that there are of a whole history."""
BODY = "/killmails/{killmail_id}/{killmail_hash}"


def day_of(killmail: Killmail) -> date:
    return datetime.fromtimestamp(killmail.time, UTC).date()


def archived(killmail: Killmail, **changed: object) -> tuple[str, bytes]:
    """A member of a day, as the archive has it but for `changed`."""
    added = {"killmail_hash": killmail.killmail_hash, "http_last_modified": "Sat, 28 Nov 2026 00:00:00 GMT"}
    return f"killmails/{killmail.killmail_id}.json", orjson.dumps({**killmail.parsed(), **added, **changed})


async def look(client: Client, day: date) -> DayReport:
    return await asyncio.wait_for((await start_archive_day(client, day)).result(), 60)


@pytest.mark.usefixtures("soon_again", "worker")
async def test_a_pilot_sees_every_assist_and_no_day_is_asked_for_twice_without_validators(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot = eve.pilots[0].character_id
    await add_user(pool, pilot)
    today = eve.world.clock.now() // DAY_SECONDS * DAY_SECONDS
    lately = [one for one in eve.world.killmails if today - 15 * DAY_SECONDS <= one.time < today]
    expected = {one.killmail_id for one in lately} & await on_zkillboard(eve, pilot)
    assert len(expected) > len(set(eve.listed_killmail_ids(pilot)) & expected), "ESI lists no assist"
    eve.add_fault("truncated", route=ROUTE, count=2)  # the totals, then a day in the middle

    follow = client.execute_workflow(
        "ArchiveFollow", id="archive-follow-test", task_queue=SYNC_QUEUE, result_type=FollowReport
    )
    followed = await asyncio.wait_for(follow, 60)
    assert followed.complete
    assert (followed.new, followed.refused) == (len(expected), 0)
    assert await stored(pool) == expected
    assert eve.requests_of(BODY) == [], "every body came from the archive"
    assert await count(pool, "killmail_arrivals WHERE NOT silent") == 0, "old killmails are no news"
    assert await count(pool, "killmails WHERE solo IS NULL") == 0, "all were classified"
    rows = await pool.fetch("SELECT hash_from, stored_at IS NOT NULL AS here, first_seen_by FROM killmail_refs")
    assert {tuple(row.values()) for row in rows} == {("archive", True, pilot)}
    bodies = "killmail_bodies WHERE body ? 'killmail_hash' OR body ? 'http_last_modified'"
    assert await count(pool, bodies) == 0, "a body is ESI's own"
    days = await pool.fetch("SELECT day, expected, taken FROM archive_days")
    assert Counter({row["day"]: row["taken"] for row in days}) == Counter(map(day_of, lately))
    assert all(row["expected"] == row["taken"] for row in days)

    await pool.execute("UPDATE users SET created_at = now() - interval '1 hour'")
    before = len(eve.requests_of(ROUTE))
    day = max(map(day_of, lately))
    assert (await look(client, day)).outcome is DayOutcome.UNCHANGED
    await add_user(pool, eve.pilots[1].character_id, "Newer")
    again = await look(client, day)
    assert again.outcome is DayOutcome.READ, "somebody is here who was not"
    of_the_day = {one.killmail_id for one in lately if day_of(one) == day}
    assert await stored(pool) == expected | (of_the_day & await on_zkillboard(eve, eve.pilots[1].character_id))
    asked = eve.requests_of(ROUTE)[before:]
    assert [record.status for record in asked] == [304, 200], "the totals are an hour fresh"
    assert all("tests@killreport.invalid" in record.user_agent for record in asked)


@pytest.mark.usefixtures("soon_again", "worker")
async def test_hostile_members_are_counted_by_reason_and_stop_nothing(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot = eve.pilots[0].character_id
    await add_user(pool, pilot)
    theirs = await on_zkillboard(eve, pilot)
    ours = [one for one in eve.world.killmails if one.killmail_id in theirs][:8]
    day = date(2026, 1, 2)
    good, no_hash, doubted, strange, other, climbing, cut, late = ours
    await pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by) VALUES ($1, $2, $3)",
        doubted.killmail_id,
        "f" * 40,
        pilot,
    )
    whole = [
        archived(good),
        archived(no_hash, killmail_hash="CCP VERIFIED"),
        archived(doubted),
        archived(strange, attackers="none"),
        (archived(good)[0].replace(str(good.killmail_id), str(other.killmail_id)), archived(good)[1]),
        (f"../../{climbing.killmail_id}.json", archived(climbing)[1]),
        (f"killmails/{cut.killmail_id}.json", archived(cut)[1][:300]),
        archived(late),
    ]
    eve.world.archived[day] = pack_day(whole)
    first = await look(client, day)
    refused = {Refusal.HASH: 2, Refusal.BODY: 3, Refusal.PATH: 1}
    assert (first.taken, first.wanted, first.new, first.refused) == (3, 3, 2, refused)
    assert not first.whole
    assert await stored(pool) == {good.killmail_id, late.killmail_id}

    eve.world.archived[day] = pack_day([*whole[:2], archived(other)])  # written anew
    second = await look(client, day)
    assert (second.outcome, second.new) == (DayOutcome.READ, 1)

    eve.world.archived[day] = pack_day(map(archived, ours))[:-40]  # and cut short
    third = await look(client, day)
    assert third.refused[Refusal.TRUNCATED] == 1
    row = await pool.fetchrow("SELECT taken, refused FROM archive_days WHERE day = $1", day)
    assert row is not None
    assert (row["taken"], orjson.loads(row["refused"])) == (third.taken, third.refused)
    assert (await look(client, date(2026, 1, 3))).outcome is DayOutcome.MISSING


@pytest.mark.usefixtures("soon_again", "worker")
async def test_the_past_comes_newest_first_and_only_once(
    pool: asyncpg.Pool, settings: Settings, eve: SandboxEve, tmp_path: Path
) -> None:
    pilot = eve.pilots[0].character_id
    await add_user(pool, pilot)
    await pool.execute("UPDATE users SET created_at = now() - interval '1 hour'")
    theirs, told = await on_zkillboard(eve, pilot), list[str]()
    last = datetime.fromtimestamp(eve.world.clock.now(), UTC).date() - timedelta(days=40)
    first = last - timedelta(days=3)

    def on_day(sentence: str, done: int, total: int) -> None:
        told.append(f"{done}/{total} {sentence}")

    imported = await asyncio.wait_for(import_days(settings, first, last, on_day), 60)
    expected = {one.killmail_id for one in eve.world.killmails if first <= day_of(one) <= last} & theirs
    assert expected
    assert await stored(pool) == expected
    assert (imported.new, imported.wanted, imported.skipped) == (len(expected), len(expected), 0)
    assert [line[:14] for line in told] == [f"{n}/4 {last - timedelta(days=n - 1)}" for n in range(1, 5)]
    again = await asyncio.wait_for(import_days(settings, first, last, on_day), 60)
    assert (again.new, again.skipped, sum(again.days.values())) == (0, 4, 0), "what was read is not asked for again"

    older = [one for one in eve.world.killmails if one.killmail_id in theirs - expected][:3]
    (tmp_path / "2020").mkdir()
    (tmp_path / "2020" / "killmails-2020-01-02.tar.bz2").write_bytes(pack_day(map(archived, older)))
    files = await import_files(settings, [str(tmp_path)], on_day)
    assert (files.new, await stored(pool)) == (3, expected | {one.killmail_id for one in older})
    with pytest.raises(OperationFailed, match="no day of the archive"):
        await import_files(settings, [str(tmp_path / "2021")], on_day)


@pytest.mark.usefixtures("soon_again", "worker")
async def test_whoever_asks_for_their_whole_history_gets_it_in_one_pass(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = datetime.now(UTC).date() - timedelta(days=1)
    monkeypatch.setattr(activities.archive, "FIRST_DAY", last - timedelta(days=HISTORY))
    ours = [one.character_id for one in eve.pilots[:2]]
    for pilot in ours:
        await add_user(pool, pilot)
    accounts = [row["account_id"] for row in await pool.fetch("SELECT account_id FROM users ORDER BY account_id")]
    await pool.execute("UPDATE users SET created_at = now() - interval '1 hour'")
    for account in accounts:
        await ask_for_history(pool, account)
        await start_archive_history(client, asked=True)
    await asyncio.wait_for(client.get_workflow_handle(HISTORY_ID).result(), 90)
    expected = {
        one.killmail_id
        for one in eve.world.killmails
        if last - timedelta(days=HISTORY) <= day_of(one) <= last
    } & (await on_zkillboard(eve, ours[0]) | await on_zkillboard(eve, ours[1]))  # fmt: skip
    assert expected
    assert await stored(pool) == expected
    asked = [record.path for record in eve.requests_of(ROUTE) if record.path.endswith(".bz2")]
    assert len(asked) == len(set(asked)) == HISTORY + 1, "one pass for both"
    assert asked == sorted(asked, reverse=True), "newest first"
    for account in accounts:
        progress = await history_progress(pool, account)
        assert progress is not None
        assert (progress.finished_at is not None, progress.done == progress.total) == (True, True)
    await ask_for_history(pool, accounts[0])
    waiting = await history_progress(pool, accounts[0])
    assert waiting is not None
    assert (waiting.done, waiting.finished_at) == (0, None)
    await start_archive_history(client, asked=False)  # as the watchdog does
    await asyncio.wait_for(client.get_workflow_handle(HISTORY_ID).result(), 90)
    assert len([one for one in eve.requests_of(ROUTE) if one.path.endswith(".bz2")]) == HISTORY + 1, (
        "nothing is read again"
    )


async def test_a_public_board_keeps_everything_and_a_file_may_be_at_a_url(
    pool: asyncpg.Pool, settings: Settings, eve: SandboxEve
) -> None:
    settings = settings.model_copy(update={"public_board": True})
    today = datetime.now(UTC).date()
    day = max(day_of(one) for one in eve.world.killmails if day_of(one) < today - timedelta(days=2))
    url = f"{settings.archive_url}/{day:%Y}/killmails-{day}.tar.bz2"
    imported = await import_files(settings, [url], lambda *_: None)
    every = {one.killmail_id for one in eve.world.killmails if day_of(one) == day}
    assert await stored(pool) == every
    assert imported.new == len(every) > 0
    with pytest.raises(OperationFailed, match="nothing at"):
        await import_files(settings, [url.replace(str(day.year), "1999")], lambda *_: None)


async def test_a_look_that_dies_in_the_middle_is_gone_on_with_and_stores_each_killmail_once(
    pool: asyncpg.Pool, settings: Settings, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "BATCH", 50)
    pilot, day = eve.veteran.character_id, date(2026, 1, 2)
    await add_user(pool, pilot)
    theirs = await on_zkillboard(eve, pilot)
    ours = [one for one in eve.world.killmails if one.killmail_id in theirs][:170]
    eve.world.archived[day] = pack_day(map(archived, ours))
    named: list[int] = []
    a_batch_is_stored, go_on = asyncio.Event(), asyncio.Event()

    async def name(killmail_ids: object) -> None:
        if await count(pool, "killmails"):
            a_batch_is_stored.set()
            await go_on.wait()
        named.extend(killmail_ids)  # type: ignore[arg-type]

    async def ring(_: object) -> None:
        """Nobody listens."""

    async with open_session(settings) as session, open_redis(settings.redis_url) as connection:
        intake = PublicIntake(pool, LiveEvents(connection), name, ring)
        days = ArchiveDays(pool, KillmailArchive(session, settings.archive_url), intake)
        request = ReadArchiveDay(str(day), datetime.now(UTC))
        dies = asyncio.create_task(ActivityEnvironment().run(days.read_archive_day, request))
        await asyncio.wait_for(a_batch_is_stored.wait(), 30)
        dies.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dies
        assert 0 < await count(pool, "killmails") < len(ours)
        assert await count(pool, "archive_days") == 0, "it was not read to its end"
        go_on.set()
        eve.add_fault("rate_limited", route=ROUTE, count=1, seconds=60)
        with pytest.raises(ArchiveLimited):
            await ActivityEnvironment().run(days.read_archive_day, request)
        report = await ActivityEnvironment().run(days.read_archive_day, request)
    assert (report.wanted, report.new) == (len(ours), len(ours)), "what the dead one stored is this look's, too"
    assert await count(pool, "killmails") == await count(pool, "killmail_arrivals") == len(ours)
    assert {*named} == {one.killmail_id for one in ours}
    assert len(named) <= len(ours) + 50, "what was stored is not named again, but a batch that was cut off is"
