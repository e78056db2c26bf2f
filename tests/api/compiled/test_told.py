"""What is told of a killmail: by whom its side is told, names as they become known, and in how many statements."""

from __future__ import annotations

import asyncpg
import pytest

from api.compiled.reads import CompiledReads
from api.compiled.whole import EXPORTED
from db.intake.store import store_killmails
from db.killmails.filter import KillmailFilter, Viewer
from db.killmails.rows import FeedRead
from db.pool import open_pool
from db.universe.names import store_names, store_solar_systems
from tests.api.compiled.told import told, told_feed, told_of
from tests.db.bodies import body, raw

ME, ALT, STRANGER = 90_000_001, 90_000_002, 90_000_009


async def test_a_side_is_that_of_who_is_named_else_of_the_viewer(pool: asyncpg.Pool) -> None:
    await store_killmails(
        pool,
        [
            raw(body(1, victim=ME, attackers=(STRANGER,))),
            raw(body(2, victim=STRANGER, attackers=(ME, ALT))),
            raw(body(3, victim=ALT, attackers=(ME,))),
        ],
    )
    mine = Viewer((ME, ALT))
    assert {node["id"]: node["side"] for node in await told_feed(pool, mine)} == {
        "1": "VICTIM",
        "2": "ATTACKER",
        "3": "VICTIM",
    }
    of_me = await told_feed(pool, mine, chosen=KillmailFilter(character_id=ME))
    assert [node["side"] for node in of_me] == ["ATTACKER", "ATTACKER", "VICTIM"]
    of_stranger = await told_of(pool, Viewer((ME,)), [1, 2], KillmailFilter(character_id=STRANGER))
    assert [(node["id"], node["side"]) for node in of_stranger] == [("2", "VICTIM"), ("1", "ATTACKER")]
    board = await told_of(pool, Viewer((), (98_000_001,)), [1])
    assert [node["side"] for node in board] == ["VICTIM"]
    everything = await told_feed(pool, Viewer((ALT,), sight="ALL"), chosen=KillmailFilter(scope="VISIBLE"))
    assert [(node["id"], node["side"]) for node in everything] == [
        ("3", "VICTIM"),
        ("2", "ATTACKER"),
        ("1", "ATTACKER"),
    ]
    nobodys = await told_of(pool, Viewer((), sight="ALL"), [1, 2])
    assert [node["side"] for node in nobodys] == [None, None]


async def test_names_and_security_appear_as_they_become_known(pool: asyncpg.Pool) -> None:
    await store_killmails(pool, [raw(body(1, victim=ME))])
    node = await told(pool, Viewer((ME,)), 1)
    assert node is not None
    assert node["victim"]["character"]["name"] is None
    assert [node["solarSystem"][field] for field in ("name", "securityStatus", "security")] == [None, None, "?"]
    await store_names(pool, [(ME, "character", "Me"), (30_000_142, "solar_system", "Jita")], unknown=[587])
    await store_solar_systems(pool, [(30_000_142, 0.945913, 20_000_020)])
    node = await told(pool, Viewer((ME,)), 1)
    assert node is not None
    assert node["victim"]["character"]["name"] == "Me"
    assert node["victim"]["ship"] == {"id": "587", "name": None, "group": None}
    assert [node["solarSystem"][field] for field in ("name", "securityStatus", "security")] == ["Jita", 0.945913, "0.9"]


@pytest.mark.parametrize("count", [3, 40])
async def test_a_page_takes_a_fixed_few_statements_however_long(database_url: str, count: int) -> None:
    statements: list[str] = []
    async with await open_pool(database_url, max_size=1) as pool:
        killmails = [body(number, victim=ME, attackers=(ALT, STRANGER)) for number in range(1, count + 1)]
        await store_killmails(pool, [raw(killmail) for killmail in killmails])
        async with pool.acquire() as connection:
            connection.add_query_logger(lambda record: statements.append(record.query))
        page = await CompiledReads(pool).page(EXPORTED, FeedRead(Viewer((ME,)), 50))
    assert len(page.texts) == count
    ours = [query for query in statements if any(table in query for table in ("killmails", "participants", "entities"))]
    assert len(ours) == 5, "killmails, who is on them, related losses, names, systems"
