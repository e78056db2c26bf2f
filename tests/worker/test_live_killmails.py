"""zKillboard's stream: a real worker, Temporal, Postgres and Redis against the stream of the sandbox EVE."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import orjson
import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import ActivityEnvironment

import activities.live_killmails
import eve.zkillboard.stream
import temporal.webhooks
import workflows.live_killmails
from activities.live_killmails import WAIT_SECONDS, LiveKillmails
from contracts.live_killmails import LIVE_KILLMAILS_ID, FollowStream, StreamOutcome
from contracts.task_queues import SYNC_QUEUE
from db.accounts.vault import TokenVault
from db.intake.public import PublicIntake
from db.intake.receive import Bringer
from db.intake.references import HashFrom
from db.intake.sources import Source, pilot_sources
from db.intake.stream_place import record_place, stream_place
from db.killmails.filter import KillmailFilter
from db.webhooks.hooks import NewWebhook, create_webhook
from db.webhooks.subjects import Subject
from eve.errors import Forbidden, Unavailable
from eve.session import open_session
from eve.zkillboard.stream import PACE_SECONDS, KillmailStream
from live import LiveEvents
from redis_client import open_redis
from sandbox.eve.killmails import Killmail
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.eve.stream import FIRST, ROUTE
from settings import Settings
from temporal.archive import start_live_killmails
from tests.db.bodies import body
from tests.fixtures.workers import StartWorker
from tests.logins import add_user
from tests.stored import count, stored
from tests.workflows.waiting import eventually

DAY_SECONDS = 86_400
ASSISTS = 100


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(history=False)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps, without the pauses that are there for zKillboard's sake."""
    monkeypatch.setattr(activities.live_killmails, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(activities.live_killmails, "MISSING_SECONDS", 0.2)
    monkeypatch.setattr(activities.live_killmails, "FOLLOW_SECONDS", 1.0)
    monkeypatch.setattr(eve.zkillboard.stream, "PACE_SECONDS", 0.0)
    monkeypatch.setattr(workflows.live_killmails, "FIRST_PAUSE", timedelta(seconds=0.1))
    monkeypatch.setattr(temporal.webhooks, "GATHER_SECONDS", 0.0)


def assist(eve: SandboxEve, pilot: int, first: int, ago: float) -> set[int]:
    """The pilot helps in a hundred kills, so long ago and a second apart; ESI lists them to others alone."""
    others, begun = [one.character_id for one in eve.pilots if one.character_id != pilot], eve.world.clock.now() - ago
    for killmail_id in range(first, first + ASSISTS):
        victim, killer = others[killmail_id % 7], others[7 + killmail_id % 5]
        moment = datetime.fromtimestamp(begun + killmail_id - first, UTC)
        told = body(killmail_id, victim=victim, attackers=(killer, pilot), killmail_time=f"{moment:%Y-%m-%dT%H:%M:%SZ}")
        parties = (victim, 98_000_001), (killer, 98_000_002)
        killmail = Killmail(killmail_id, f"{killmail_id:040x}", moment.timestamp(), *parties, lambda told=told: told)  # type: ignore[misc]
        eve.world.take_in(killmail, told)
    return set(range(first, first + ASSISTS))


async def test_a_pilot_with_a_hundred_assists_sees_them_within_a_minute_live_and_within_a_day_by_the_archive(
    pool: asyncpg.Pool, settings: Settings, client: Client, eve: SandboxEve, start_worker: StartWorker
) -> None:
    """ESI lists none of them. Both ways are told apart by when it happened: the stream keeps a day."""
    pilot = eve.newcomer.character_id
    await add_user(pool, pilot)
    await pool.execute("UPDATE users SET token_state = 'valid', created_at = now() - interval '1 hour'")
    account = await pool.fetchval("SELECT account_id FROM users")
    new = NewWebhook(Subject.CHARACTER, pilot, "A hook", KillmailFilter(), f"{eve.url}/receiver/x", "127.0.0.1")
    await create_webhook(pool, TokenVault.from_settings(settings), account, new, "whsec_c2VjcmV0c2VjcmV0c2VjcmV0", ())
    yesterdays = assist(eve, pilot, 139_000_000, 2 * DAY_SECONDS)
    await start_worker(zkillboard_live=True, webhook_private_targets=True)  # its watchdog starts the follower

    async def follows() -> bool:
        place = await stream_place(pool)
        return place is not None and place.caught_up_at is not None

    await eventually(follows)
    before, known = len(eve.requests_of(ROUTE)), len(eve.world.killmails)
    todays = assist(eve, pilot, 139_001_000, 5 * 3_600)
    assert not todays & set(eve.listed_killmail_ids(pilot))
    just_now = eve.add_killmail(pilot).killmail_id

    async def has(wanted: set[int]) -> bool:
        return await stored(pool) >= wanted

    await eventually(lambda: has(todays | {just_now}))
    assert await stored(pool) == todays | {just_now}, "nobody else's, and nothing older than a day"
    published, looked_ahead = len(eve.world.killmails) - known, 20
    asked = [one.path for one in eve.requests_of(ROUTE)[before:] if one.status == 200 and "sequence" not in one.path]
    assert len(set(asked)) == published
    assert len(asked) < published + looked_ahead, "each once, but for what was looked at beyond the end"
    assert WAIT_SECONDS + len(asked) * PACE_SECONDS < 60, "at zKillboard's pace it is within a minute, too"
    assert eve.requests_of("/killmails/{killmail_id}/{killmail_hash}") == [], "the stream has the bodies"

    async def was_told() -> bool:
        return [int(one.parsed["data"]["id"]) for one in eve.receiver.taken] == [just_now]

    await eventually(was_told)  # at once; and what happened hours ago is no news

    await client.execute_workflow("ArchiveFollow", id="archive-follow-test", task_queue=SYNC_QUEUE)
    assert await stored(pool) == yesterdays | todays | {just_now}
    account_of = (await pilot_sources(pool, [pilot]))[pilot]
    assert account_of.stored == {Source.ARCHIVE: len(yesterdays), Source.LIVE: len(todays) + 1}
    refs = await pool.fetch("SELECT DISTINCT hash_from, first_seen_by FROM killmail_refs")
    assert {tuple(row.values()) for row in refs} == {("archive", pilot), ("zkillboard", pilot)}
    await client.get_workflow_handle(LIVE_KILLMAILS_ID).terminate()


async def test_whatever_the_stream_answers_the_others_come_and_a_gap_is_said(
    pool: asyncpg.Pool, settings: Settings, eve: SandboxEve
) -> None:
    pilot = eve.pilots[0].character_id
    await add_user(pool, pilot)
    world = eve.world
    gone = [world.make_killmail(pilot, time=world.clock.now() - 2 * DAY_SECONDS) for _ in range(5)]
    first, doubted, no_hash, lies, other, page, cut, again, last = (world.make_killmail(pilot) for _ in range(9))
    await pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by) VALUES ($1, $2, $3)",
        doubted.killmail_id,
        "f" * 40,
        pilot,
    )
    number = {one.killmail_id: FIRST + n for n, one in enumerate(world.killmails)}

    def package(one: Killmail, **changed: object) -> dict[str, object]:
        told = {"killmail_id": one.killmail_id, "hash": one.killmail_hash, "esi": one.parsed(), "uploaded_at": "soon"}
        return told | {"sequence_id": number[one.killmail_id]} | changed

    world.streamed |= {
        number[first.killmail_id]: package(first),
        number[no_hash.killmail_id]: package(no_hash, hash="CCP VERIFIED"),
        number[lies.killmail_id]: package(lies, sequence_id=7),
        number[other.killmail_id]: package(other, esi=first.parsed()),
        number[page.killmail_id]: b"<html><h1>Checking your browser</h1></html>",
        number[cut.killmail_id]: orjson.dumps(package(cut))[:200],
        number[again.killmail_id]: package(first, sequence_id=number[again.killmail_id]),
    }
    good = {first.killmail_id, last.killmail_id}
    await record_place(pool, FIRST - 1, datetime.now(UTC) - timedelta(days=3), caught_up=False)

    async def nobody(_: object) -> None:
        """No names, and no webhooks."""

    async with open_session(settings) as session, open_redis(settings.redis_url) as connection:
        stream = KillmailStream(session, settings.zkillboard_stream_url)
        live = LiveEvents(connection)
        intake = PublicIntake(pool, live, nobody, nobody, Bringer.STREAM, HashFrom.ZKILLBOARD)
        following = LiveKillmails(pool, stream, intake)

        async def follow() -> dict[str, int]:
            report = await ActivityEnvironment().run(following.follow_killmail_stream, FollowStream())
            assert report.outcome is StreamOutcome.FOLLOWED
            return {**report.refused, "new": report.new, "missed": report.missed}

        # Two broken ones in a row may be the stream's own trouble: they are left, and everything before them is kept.
        with pytest.raises(Unavailable):
            await follow()
        assert await stored(pool) == {first.killmail_id}
        place = await stream_place(pool)
        assert place is not None
        assert (place.sequence, place.missed, place.trouble) == (number[other.killmail_id], len(gone), "Unavailable")
        assert "has been unreadable since" in place.sentence
        assert "5 killmails of the stream were gone before they were read; the archive has them" in place.sentence

        del world.streamed[number[cut.killmail_id]]  # it was; the page before it stays one
        good.add(cut.killmail_id)
        eve.add_fault("truncated", route=ROUTE, count=1)
        with pytest.raises(Unavailable):
            await follow()
        assert await follow() == {"broken": 1, "new": 2, "missed": 0}
        assert await stored(pool) == good
        assert await follow() == {"new": 0, "missed": 0}
        place = await stream_place(pool)
        assert place is not None
        assert (place.sequence, place.trouble) == (number[last.killmail_id], None)
        assert place.sentence.startswith("zKillboard's stream is up to date.")

        eve.add_fault("status", route=ROUTE, status=403, count=1)
        with pytest.raises(Forbidden):
            await follow()
        world.streamed[max(number.values()) + 1] = None
        _, behind_a_gap = world.make_killmail(pilot), world.make_killmail(pilot)
        assert await follow() == {"new": 1, "missed": 1}
        await pool.execute("UPDATE killmail_stream SET sequence = sequence + 5000")  # it counts anew
        newest = world.make_killmail(pilot)
        for _ in range(20):  # it comes by the page and the gap once more
            if newest.killmail_id in await stored(pool):
                break
            await follow()
        assert await stored(pool) == good | {behind_a_gap.killmail_id, newest.killmail_id}
    assert await count(pool, "killmail_bodies WHERE body ? 'killmail_hash' OR body ? 'zkb'") == 0, "a body is ESI's own"


async def test_switched_off_its_follower_ends(
    pool: asyncpg.Pool, client: Client, eve: SandboxEve, start_worker: StartWorker
) -> None:
    await add_user(pool, eve.newcomer.character_id)
    await start_worker()
    await start_live_killmails(client)
    handle = client.get_workflow_handle(LIVE_KILLMAILS_ID)
    await handle.result()
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert eve.requests_of(ROUTE) == []
