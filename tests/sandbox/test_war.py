"""The database that the benches read is what it says, every time, and our reads find their indexes in it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from sandbox.benches import war_copies
from sandbox.benches.load import Ask, Spec, load
from sandbox.benches.plans import EXPECTED, walked
from sandbox.benches.war import is_there, make
from sandbox.benches.war_sql import BUSIEST_PILOT, MOST_ATTACKERS, crowded

KILLMAILS = 2_000
_TIMES = "SELECT killmail_id, killmail_time FROM killmails ORDER BY killmail_id"
_ATTACKERS = "SELECT count(*) - 1 FROM participants WHERE killmail_id = $1"
_TORN = """
SELECT count(*)
FROM killmails
LEFT JOIN killmail_bodies USING (killmail_id)
WHERE
    (body ->> 'killmail_id')::bigint IS DISTINCT FROM killmail_id
    OR (body ->> 'killmail_time')::timestamptz IS DISTINCT FROM killmail_time
    OR jsonb_array_length(body -> 'attackers') <> attacker_count
    OR attacker_count + 1 <> (
        SELECT count(*) FROM participants
        WHERE
            participants.killmail_id = killmails.killmail_id
            AND participants.killmail_time = killmails.killmail_time
    )
"""
_WHO = "SELECT array_agg(character_id ORDER BY ordinal) FROM participants WHERE killmail_id = $1"


@pytest.fixture(scope="module")
async def war_url(postgres_url: str) -> AsyncIterator[str]:
    server = postgres_url.rpartition("/")[0]
    url = f"{server}/war_{secrets.token_hex(4)}"
    await make(url, KILLMAILS, lambda _: None)
    yield url
    await _drop(url)


async def _drop(url: str) -> None:
    server, _, name = url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


@pytest.fixture
def killmails_of_a_large_war(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever has more than 1,000 is large, and repeats what 500 were."""
    monkeypatch.setattr(war_copies, "DRAWN_AT_MOST", 1_000)
    monkeypatch.setattr(war_copies, "PERIOD", 500)
    monkeypatch.setattr(war_copies, "AT_ONCE", 100)


@pytest.fixture
async def war_pool(war_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(war_url, min_size=1, max_size=2) as pool:
        yield pool


async def test_a_war_is_skewed_like_the_game_and_whole(war_pool: asyncpg.Pool) -> None:
    told = await war_pool.fetchrow(
        "SELECT count(*) AS killmails, avg(attacker_count)::float8 AS attackers, max(attacker_count) AS most,"
        " (SELECT avg(jsonb_array_length(body #> '{victim,items}'))::float8 FROM killmail_bodies) AS items,"
        " (SELECT count(*) FROM participants) - count(*) - sum(attacker_count) AS lost"
        " FROM killmails"
    )
    assert told is not None
    assert (told["killmails"], told["most"], told["lost"]) == (KILLMAILS, MOST_ATTACKERS, 0)
    assert 7 < told["attackers"] - MOST_ATTACKERS / KILLMAILS < 9
    assert 9 < told["items"] < 11
    killmails = await war_pool.fetch(
        "SELECT character_id, count(DISTINCT killmail_id) AS killmails FROM participants GROUP BY 1 ORDER BY 2 DESC"
    )
    assert killmails[0]["character_id"] == BUSIEST_PILOT
    assert killmails[0]["killmails"] > 100 * killmails[len(killmails) // 2]["killmails"]
    assert not await war_pool.fetchval(
        "SELECT count(*) FROM participants LEFT JOIN entities ON entity_id = character_id WHERE name IS NULL"
    )
    assert await war_pool.fetchval("SELECT attacker_count FROM killmails WHERE killmail_id = $1", crowded(KILLMAILS))


async def test_a_war_is_made_once_and_again_when_it_is_not_whole(war_url: str) -> None:
    assert await is_there(war_url, KILLMAILS)
    missing = f"{war_url}_none"
    assert not await is_there(missing, KILLMAILS)
    connection = await asyncpg.connect(war_url)
    name = war_url.rpartition("/")[2]
    mark = await connection.fetchval(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", name
    )
    indexes = await connection.fetchval("SELECT count(*) FROM pg_indexes WHERE tablename = 'participants'")
    await connection.close()
    assert mark
    assert indexes > 4


async def test_a_planned_read_has_an_index_for_every_step(war_pool: asyncpg.Pool) -> None:
    async with war_pool.acquire() as connection:
        assert await walked(connection, crowded(KILLMAILS)) == EXPECTED


@pytest.mark.usefixtures("killmails_of_a_large_war")
async def test_a_large_war_repeats_its_beginning(postgres_url: str, war_pool: asyncpg.Pool) -> None:
    server = postgres_url.rpartition("/")[0]
    url = f"{server}/war_{secrets.token_hex(4)}"
    await make(url, KILLMAILS, lambda _: None)
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        crowded_one = crowded(KILLMAILS)
        for table in ("killmails", "participants", "killmail_bodies"):
            told = [await each.fetchval(f"SELECT count(*) FROM {table}") for each in (pool, war_pool)]  # noqa: S608
            assert abs(told[0] - told[1]) < told[1] / 10, table
        assert await pool.fetchval("SELECT count(*) FROM killmails") == KILLMAILS
        assert await pool.fetch(_TIMES) == await war_pool.fetch(_TIMES), "every 94 seconds, as if it were drawn"
        assert await pool.fetchval(_ATTACKERS, crowded_one) == MOST_ATTACKERS
        assert await pool.fetchval(_TORN) == 0
        first = crowded(0)
        alike = [await pool.fetchval(_WHO, first + number) for number in (7, 507)]
        assert alike[0] == alike[1] != await war_pool.fetchval(_WHO, first + 507)
        async with pool.acquire() as connection:
            assert await walked(connection, crowded_one) == EXPECTED
    await _drop(url)


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that knows `/here`, says what was sent, and says it in two pieces."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        status = b"200 OK" if head.startswith(b"POST /here ") else b"404 Not Found"
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, length, body[:1]))
        await writer.drain()
        writer.write(body[1:])


async def test_the_load_generator_counts_what_is_answered_and_what_is_refused() -> None:
    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.ensure_future(answering(reader, writer))
        serving.add_done_callback(lambda _: writer.close())  # the client left

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        asks = [Ask("/here", "12345", {}), Ask("/there", "123", {})]
        measured = await load(Spec("127.0.0.1", [port], asks, connections=2, seconds=0.3))
    assert measured.answers >= 2
    assert abs(measured.refused - measured.answers / 2) <= 2
    assert abs(measured.bytes - 4 * measured.answers) <= 4
    assert 0 < measured.p50 <= measured.p95
