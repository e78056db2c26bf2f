"""The database that the benches read is what it says, every time, and our reads find their indexes in it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from sandbox.benches.load import Ask, Spec, load
from sandbox.benches.plans import EXPECTED, walked
from sandbox.benches.war import is_there, make
from sandbox.benches.war_sql import BUSIEST_PILOT, MOST_ATTACKERS, crowded

KILLMAILS = 2_000


@pytest.fixture(scope="module")
async def war_url(postgres_url: str) -> AsyncIterator[str]:
    server = postgres_url.rpartition("/")[0]
    url = f"{server}/war_{secrets.token_hex(4)}"
    await make(url, KILLMAILS, lambda _: None)
    yield url
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')
    await connection.close()


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
