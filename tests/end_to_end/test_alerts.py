"""Alerts fire when what they are about happens to a running installation, and all they ask for is really told.

Prometheus is Debian's; without it this is left out. Alerts that take hours to cause are in deploy/prometheus/tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from temporalio.client import Client

from contracts.task_queues import SYNC_QUEUE
from db.intake.arrivals import record_arrivals
from db.intake.store import store_killmails
from live import LiveEvents
from redis_client import open_redis
from sandbox.chaos.pilots import Person, Subscriber
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot, eventually
from sandbox.process import free_port
from settings import Settings
from temporal.schedules import trigger_watchdog
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.deploy.watching import documented, metrics_asked_for, metrics_in
from tests.end_to_end.watched import Prometheus

pytestmark = [
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus on PATH (Debian: prometheus)"),
    pytest.mark.new_database,  # it is shut at the end
]
TOKENS = "/v2/oauth/token"
BODIES = "/killmails/{killmail_id}/{killmail_hash}"
LISTS = "/characters/{character_id}/killmails/recent"
FEED = "{ killmails(first: 1) { nodes { id } } }"


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, list_cache_seconds=1, first_killmails=5, strict_rotation=True)


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "METRICS_PORT": str(free_port())}


@pytest.fixture
async def installation(environment: dict[str, str], client: Client, tmp_path: Path) -> AsyncIterator[Installation]:
    """The database is migrated already, and `client` has prepared Temporal."""
    del client
    made = Installation(environment, tmp_path)
    yield made
    await made.stop()


@pytest.fixture
async def prometheus(installation: Installation, tmp_path: Path) -> AsyncIterator[Prometheus]:
    worker = f"127.0.0.1:{installation.environment['METRICS_PORT']}"
    targets = {"killreport-api": f"127.0.0.1:{installation.port}", "killreport-worker": worker}
    made = Prometheus(tmp_path / "prometheus", targets)
    running = await made.start()
    yield made
    await running.stop()


@pytest.fixture
async def pilots(installation: Installation, client: Client, eve: SandboxEve, pool: asyncpg.Pool) -> Pilots:
    return Pilots(installation, client, eve, pool)


class Pilots:
    """Those of the sandbox that log in, and what happens to them."""

    def __init__(
        self,
        installation: Installation,
        client: Client,
        eve: SandboxEve,
        pool: asyncpg.Pool,
    ) -> None:
        self.ids = [pilot.character_id for pilot in eve.pilots[:5]]
        self._installation = installation
        self._client = client
        self._pool = pool

    async def log_in(self) -> None:
        for character_id in self.ids:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
                await Pilot(self._installation.site, session).log_in(character_id)

        async def are_well() -> bool:
            query = "SELECT count(*) FROM users WHERE sync_state = 'ok' AND refresh_token IS NOT NULL"
            return bool(await self._pool.fetchval(query) == len(self.ids))

        await eventually(are_well, "the first syncs")

    async def look(self, *character_ids: int) -> None:
        for character_id in character_ids:
            await signal_user_sync(self._client, character_id, "sync_now", "")

    async def refresh(self, *character_ids: int) -> None:
        """Let their access tokens end, and look."""
        query = "UPDATE users SET expires_at = now() WHERE character_id = ANY ($1::bigint[])"
        await self._pool.execute(query, list(character_ids))
        await self.look(*character_ids)


async def test_alerts_fire(
    installation: Installation,
    prometheus: Prometheus,
    pilots: Pilots,
    pilot: Pilot,
    eve: SandboxEve,
    pool: asyncpg.Pool,
    client: Client,
    settings: Settings,
) -> None:
    async with prometheus.hears_of("KillReportPilotsLate", "KillReportNoWorker", "KillReportWebhooksBehind"):
        api = await installation.start_api()
        await pool.execute(
            "WITH one AS (INSERT INTO accounts DEFAULT VALUES RETURNING account_id)"
            " INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, sync_state,"
            "                    last_killmail_sync_at)"
            " SELECT 1, account_id, 'A', 'o', '{}', 'valid', 'ok', now() - interval '9 hours' FROM one"
        )
        await pool.execute(
            "WITH one AS (INSERT INTO webhooks (account_id, subject, subject_id, name, target_host, max_age_seconds,"
            "                                   burst, bookmark)"
            "             SELECT account_id, 'character', 1, 'A', 'example.com', 7200, 10, 0 FROM users"
            "             RETURNING webhook_id)"
            " INSERT INTO webhook_deliveries (webhook_id, state, created_at)"
            " SELECT webhook_id, 'waiting', now() - interval '20 minutes' FROM one"
        )
    async with prometheus.hears_of("KillReportDatabaseGrows"):
        await pool.execute("CREATE TABLE large AS SELECT repeat('x', 100) FROM generate_series(1, 300000)")
    worker = await installation.start_worker()
    await pilots.log_in()
    # The watchdog's first run may have ended before Prometheus asked this worker for the first time: no rise is seen.
    await trigger_watchdog(client)
    await prometheus.is_quiet_about("KillReportApiDown", "KillReportWorkerDown", "KillReportWatchdogSilent")
    assert await is_ready(installation)
    await pilot.log_in(pilots.ids[0])
    await pilot.ask(FEED)  # a rate needs a beginning

    async with prometheus.hears_of("KillReportWorkflowProblems"):
        await client.start_workflow("UserSync", "no state", id="user-sync-2", task_queue=SYNC_QUEUE)
        await of_looks_and_killmails(prometheus, pilots, eve, pool)
        async with prometheus.hears_of("KillReportApiSlow", "KillReportPoolExhausted"):
            await slow_answers(pilot, settings)
        await of_tokens(prometheus, pilots, eve, pool)
        told = await asked_for(installation)
        await of_limits(prometheus, pilots, eve)
        await of_live_events(prometheus, pilot, eve, pool, settings)
        told |= await asked_for(installation)
    async with prometheus.hears_of("KillReportClockWrong"):
        eve.advance(40)
        await pilots.refresh(pilots.ids[0])
    async with prometheus.hears_of("KillReportApiErrors", "KillReportServiceAway", "KillReportActivitiesFail"):
        await shut(settings)
        failing = asyncio.create_task(failures(pilot))
        for character_id in range(3, 20):
            await start_or_wake(client, character_id, 900)
    failing.cancel()
    await asyncio.wait({failing})
    await let_in(settings)
    # A worker that is asked for its metrics while its pool recovers may take longer than a scrape waits.
    await prometheus.is_quiet_about("KillReportWorkerDown", "KillReportWatchdogSilent", "KillReportBacklogGrows")
    async with prometheus.hears_of("KillReportWorkerDown", "KillReportWatchdogSilent", "KillReportBacklogGrows"):
        worker.kill()
        await pilots.look(*pilots.ids)
    async with prometheus.hears_of("KillReportTaskDown"):
        installation.environment = {**installation.environment, "TEMPORAL_NAMESPACE": "no-such-namespace"}
        worker = await installation.start_worker()
    await worker.stop()
    async with prometheus.hears_of("KillReportApiDown"):
        api.kill()

    assert metrics_asked_for() - told == set(), "rules or dashboards ask for what nobody tells"
    assert {name for name in told if name.startswith("killreport_")} == documented()


async def of_looks_and_killmails(prometheus: Prometheus, pilots: Pilots, eve: SandboxEve, pool: asyncpg.Pool) -> None:
    first = pilots.ids[0]
    async with prometheus.hears_of("KillReportLooksLate", "KillReportKillmailsArriveLate"):
        ten_minutes_ago = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
        await pool.execute(
            "UPDATE users SET sync_detail = sync_detail || jsonb_build_object('until', $1::text)", ten_minutes_ago
        )
        for _ in range(10):
            eve.world.make_killmail(first, time=eve.world.clock.now() - 7200)
        eve.expire_lists()
        await pilots.look(*pilots.ids)
    async with prometheus.hears_of("KillReportKillmailsGivenUp"):
        eve.add_fault("status", route=BODIES, status=422, body={"error": "Invalid killmail_id and/or killmail_hash"})
        refused = [reference.killmail_id for reference in eve.add_killmails(first, 25)]
        eve.expire_lists()
        await pilots.look(first)

        async def are_refused() -> bool:
            query = "SELECT count(*) FROM killmail_refs WHERE killmail_id = ANY ($1) AND attempts = 1"
            return bool(await pool.fetchval(query, refused) == len(refused))

        await eventually(are_refused, "ESI to refuse them once")
        await pool.execute("UPDATE killmail_refs SET next_attempt_at = now() WHERE killmail_id = ANY ($1)", refused)
        await pilots.look(first)
    eve.remove_faults()


async def of_tokens(prometheus: Prometheus, pilots: Pilots, eve: SandboxEve, pool: asyncpg.Pool) -> None:
    first, second, third, unreadable, odd = pilots.ids
    async with prometheus.hears_of("KillReportSsoRefreshesFail", "KillReportMisconfigured"):
        eve.add_fault("status", route=TOKENS, status=401, body={"error": "invalid_client"})
        await pilots.refresh(first, second, third)
    eve.remove_faults()
    async with prometheus.hears_of("KillReportTokensUnreadable"):
        await pool.execute("UPDATE users SET access_token = '\\x00' WHERE character_id = $1", unreadable)
        await pilots.look(unreadable)
    async with prometheus.hears_of("KillReportGrantsLost"):
        eve.add_fault("reset", route=TOKENS, count=1)
        await pilots.refresh(second)

        async def is_refused() -> bool:
            await pilots.look(second)
            query = "SELECT refused_at IS NOT NULL FROM refresh_leases WHERE character_id = $1"
            return bool(await pool.fetchval(query, second))

        await eventually(is_refused, "SSO to refuse what it renewed unheard")
        await pool.execute("UPDATE refresh_leases SET refused_at = refused_at - interval '151 seconds'")
        await pilots.look(second)
    async with prometheus.hears_of("KillReportAccessTokensUntrusted"):
        eve.odd_tokens(odd, kid="unheard of")
        await pilots.refresh(odd)


async def of_limits(prometheus: Prometheus, pilots: Pilots, eve: SandboxEve) -> None:
    first, _, third, *_ = pilots.ids
    async with prometheus.hears_of("KillReportEsiRefusesTooMany"):
        eve.add_fault("rate_limited", route=BODIES, seconds=1)
        eve.add_killmails(first, 20)
        eve.expire_lists()
        await pilots.look(first)
    eve.remove_faults()
    async with prometheus.hears_of("KillReportEsiErrorLimited"):
        eve.add_fault("error_limited", route=LISTS, seconds=5, count=1)
        eve.expire_lists()
        await pilots.look(third)


async def of_live_events(
    prometheus: Prometheus, pilot: Pilot, eve: SandboxEve, pool: asyncpg.Pool, settings: Settings
) -> None:
    """A worker stores killmails and tells of them a minute later."""
    first = eve.pilots[0].character_id
    subscriber = await Subscriber.of(Person(first, 0, pilot), pool)
    following = asyncio.create_task(subscriber.follow())
    await eventually(subscriber.is_connected, "the subscription")
    async with (
        prometheus.hears_of("KillReportSubscriptionsLag"),
        contextlib.aclosing(open_redis(settings.redis_url)) as events,
    ):
        made = [eve.world.make_killmail(first) for _ in range(3)]
        killmail_ids = await store_killmails(pool, [one.body() for one in made])
        await pool.execute(
            "UPDATE killmails SET created_at = now() - interval '1 minute' WHERE killmail_id = ANY ($1)", killmail_ids
        )
        await record_arrivals(pool, killmail_ids)
        await LiveEvents(events).killmails_stored(killmail_ids, [first])
    following.cancel()
    await asyncio.wait({following})


async def is_ready(installation: Installation) -> bool:
    """Its worker."""
    address = f"http://127.0.0.1:{installation.environment['METRICS_PORT']}/readyz"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return answer.status == 200


async def asked_for(installation: Installation) -> set[str]:
    """The names of all metrics that API and worker tell."""
    found: set[str] = {"up"}
    async with aiohttp.ClientSession() as session:
        for port in (installation.port, installation.environment["METRICS_PORT"]):
            async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                found |= metrics_in(await answer.text())
    return found


async def slow_answers(pilot: Pilot, settings: Settings) -> None:
    """Somebody holds a lock for two seconds while many ask."""
    holder = await asyncpg.connect(settings.database_url)
    async with holder.transaction():
        await holder.execute("LOCK TABLE killmails IN ACCESS EXCLUSIVE MODE")
        asking = [asyncio.create_task(pilot.ask(FEED)) for _ in range(30)]
        await asyncio.wait(asking, timeout=2)
    await asyncio.gather(*asking)
    await holder.close()


async def shut(settings: Settings) -> None:
    """The database takes no connection any more."""
    server, _, name = settings.database_url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    await connection.close()


async def let_in(settings: Settings) -> None:
    """It takes connections again."""
    server, _, name = settings.database_url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await connection.close()


async def failures(pilot: Pilot) -> None:
    while True:
        await pilot.page("/status")
        await asyncio.sleep(0.2)
