"""Alerts fire when what they are about happens to a running installation, and all they ask for is really told.

Prometheus is Debian's; without it this is left out. Alerts that take hours to cause are in deploy/prometheus/tests.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import yaml
from temporalio.client import Client

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot, eventually
from sandbox.process import Part, PartNotReady, RunningPart, free_port
from settings import Settings
from temporal.user_sync import signal_user_sync
from tests.deploy.watching import DEPLOYED, RULES, documented, metrics_asked_for, metrics_in

pytestmark = [
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus on PATH (Debian: prometheus)"),
    pytest.mark.new_database,  # it is shut at the end
]
TOKENS = "/v2/oauth/token"
BODIES = "/killmails/{killmail_id}/{killmail_hash}"
LISTS = "/characters/{character_id}/killmails/recent"
PATIENCE_SECONDS = 60
log = logging.getLogger(__name__)
FEED = "{ killmails(first: 1) { nodes { id } } }"


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(list_cache_seconds=1, first_killmails=5)


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


class Prometheus:
    """With our rules, which fire at once here; and what it has seen fire."""

    def __init__(self, directory: Path, targets: dict[str, str]) -> None:
        self._url = f"http://127.0.0.1:{free_port()}"
        self._directory = directory
        self._targets = targets
        self.fired: set[str] = set()

    async def start(self) -> RunningPart:
        configuration = yaml.safe_load((DEPLOYED / "prometheus.yaml").read_text())
        configuration["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        for job in configuration["scrape_configs"]:
            job.pop("scrape_timeout", None)
            job["static_configs"] = [{"targets": [self._targets[job["job_name"]]]}]
        rules = yaml.safe_load(RULES.read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                rule.pop("for", None)
        self._directory.mkdir()
        (self._directory / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
        (self._directory / RULES.name).write_text(yaml.safe_dump(rules))
        argv = [
            "prometheus",
            f"--config.file={self._directory}/prometheus.yaml",
            f"--storage.tsdb.path={self._directory}/data",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        ]
        return await RunningPart.start(Part("Prometheus", argv, self._answers, self._directory / "prometheus.log"))

    async def all_fire(self, *alerts: str) -> None:
        began = time.monotonic()
        while missing := set(alerts) - self.fired:
            seconds = time.monotonic() - began
            assert seconds < PATIENCE_SECONDS, f"{sorted(missing)} did not fire"
            await asyncio.sleep(0.3)
            async with aiohttp.ClientSession() as session, session.get(f"{self._url}/api/v1/alerts") as answer:
                told: dict[str, Any] = await answer.json()
            firing = {one["labels"]["alertname"] for one in told["data"]["alerts"] if one["state"] == "firing"}
            for name in firing - self.fired:
                log.info("%s fired after %.1f s", name, seconds)
            self.fired |= firing

    async def _answers(self) -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{self._url}/-/ready") as answer:
            if answer.status != 200:
                raise PartNotReady(str(answer.status))


@pytest.fixture
async def prometheus(installation: Installation, tmp_path: Path) -> AsyncIterator[Prometheus]:
    worker = f"127.0.0.1:{installation.environment['METRICS_PORT']}"
    targets = {"killreport-api": f"127.0.0.1:{installation.port}", "killreport-worker": worker}
    made = Prometheus(tmp_path / "prometheus", targets)
    running = await made.start()
    yield made
    await running.stop()


@pytest.fixture
async def pilots(
    installation: Installation, client: Client, eve: SandboxEve, database: asyncpg.Connection[asyncpg.Record]
) -> Pilots:
    return Pilots(installation, client, eve, database)


class Pilots:
    """Those of the sandbox that log in, and what happens to them."""

    def __init__(
        self,
        installation: Installation,
        client: Client,
        eve: SandboxEve,
        database: asyncpg.Connection[asyncpg.Record],
    ) -> None:
        self.ids = [pilot.character_id for pilot in eve.pilots[:5]]
        self._installation = installation
        self._client = client
        self._database = database

    async def log_in(self) -> None:
        for character_id in self.ids:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
                await Pilot(self._installation.site, session).log_in(character_id)

        async def are_well() -> bool:
            query = "SELECT count(*) FROM users WHERE sync_state = 'ok' AND refresh_token IS NOT NULL"
            return bool(await self._database.fetchval(query) == len(self.ids))

        await eventually(are_well, "the first syncs")

    async def look(self, *character_ids: int) -> None:
        for character_id in character_ids:
            await signal_user_sync(self._client, character_id, "sync_now", "")

    async def refresh(self, *character_ids: int) -> None:
        """Let their access tokens end, and look."""
        query = "UPDATE users SET expires_at = now() WHERE character_id = ANY ($1::bigint[])"
        await self._database.execute(query, list(character_ids))
        await self.look(*character_ids)


async def test_alerts_fire(
    installation: Installation,
    prometheus: Prometheus,
    pilots: Pilots,
    pilot: Pilot,
    eve: SandboxEve,
    database: asyncpg.Connection[asyncpg.Record],
    settings: Settings,
) -> None:
    api = await installation.start_api()
    await database.execute(
        "WITH one AS (INSERT INTO accounts DEFAULT VALUES RETURNING account_id)"
        " INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, sync_state,"
        "                    last_killmail_sync_at)"
        " SELECT 1, account_id, 'A', 'o', '{}', 'valid', 'ok', now() - interval '9 hours' FROM one"
    )
    await prometheus.all_fire(
        "KillReportPilotsLate", "KillReportNoWorker", "KillReportWorkerDown", "KillReportWatchdogSilent"
    )

    await installation.start_worker()
    await pilots.log_in()
    first, second, third, unreadable, odd = pilots.ids
    assert await is_ready(installation)
    await pilot.log_in(first)
    await pilot.ask(FEED)  # a rate needs a beginning

    await database.execute("UPDATE users SET access_token = '\\x00' WHERE character_id = $1", unreadable)
    eve.odd_tokens(odd, kid="unheard of")
    await pilots.look(unreadable)
    await pilots.refresh(odd)
    eve.add_fault("rate_limited", route=BODIES, seconds=1)
    eve.add_killmails(first, 20)
    eve.expire_lists()
    await pilots.look(first)
    await prometheus.all_fire(
        "KillReportTokensUnreadable", "KillReportAccessTokensUntrusted", "KillReportEsiRefusesTooMany"
    )

    eve.add_fault("status", route=TOKENS, status=401, body={"error": "invalid_client"})
    await pilots.refresh(first, second, third)
    await prometheus.all_fire("KillReportSsoRefreshesFail", "KillReportMisconfigured")
    told = await asked_for(installation)

    eve.remove_faults()
    eve.add_fault("error_limited", route=LISTS, seconds=60, count=1)
    eve.expire_lists()
    await pilots.look(second, third)
    await prometheus.all_fire("KillReportEsiErrorLimited")

    told |= await asked_for(installation)
    await slow_answers(pilot, settings)
    await prometheus.all_fire("KillReportApiSlow", "KillReportPoolExhausted")

    await shut(settings)
    failing = asyncio.create_task(failures(pilot))
    await prometheus.all_fire("KillReportApiErrors", "KillReportServiceAway")
    failing.cancel()
    await asyncio.wait({failing})
    api.kill()
    await prometheus.all_fire("KillReportApiDown")

    assert metrics_asked_for() - told == set(), "rules or dashboards ask for what nobody tells"
    assert {name for name in told if name.startswith("killreport_")} == documented()


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


async def failures(pilot: Pilot) -> None:
    while True:
        await pilot.page("/status")
        await asyncio.sleep(0.2)
