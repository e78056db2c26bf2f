"""The compiled reads answer what graphql-core answers without them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import orjson
import pytest
from graphql import is_object_type
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.compiled.connection import CONNECTION, EDGE
from api.compiled.facts import KEPT_SECONDS
from api.compiled.killmails import ATTACKER, ITEM, KILLMAIL, RELATED, VALUE, VICTIM
from api.compiled.plans import CompiledReads
from api.compiled.selection import NotCompiled
from api.graphql.documents import InvalidDocument
from api.graphql.execution import Answer, Context, Executor, Operation, refusal_answer
from api.graphql.schema import load_schema
from db.accounts.sessions import Caller
from db.intake.store import store_killmails
from db.universe.names import store_names, store_solar_systems
from tests.api.compiled.random_documents import documents
from tests.api.compiled.varied_killmails import EVERYTHING, FEED, FRIEND, ME, OTHER, variety
from tests.api.graphql.example_variables import VARIABLES
from tests.api.running_site import Site
from tests.db.bodies import raw
from tests.paths import ROOT


@pytest.fixture(scope="module")
async def filled(shared_site: Site) -> Site:
    """Some names are known, some not; some killmails are valued, some not."""
    pool = shared_site.pool
    await store_killmails(pool, [raw(one) for one in variety()])
    names = [
        (ME, "character", 'Ada "the %s" Löwe\\'),
        (OTHER, "character", "O'Brien\u2028\x7f"),
        (98_000_001, "corporation", "Corp"),
        (99_000_001, "alliance", "Alliance"),
        (500_001, "faction", "Caldari State"),
        (587, "inventory_type", "Rifter"),
        (670, "inventory_type", "Capsule"),
        (30_000_142, "solar_system", "Jita"),
    ]
    await store_names(pool, names, [FRIEND])
    await store_solar_systems(pool, [(30_000_142, 0.9459, 20_000_020)])
    await pool.execute("INSERT INTO character_details VALUES ($1, $2, 4.5)", ME, datetime(2010, 1, 2, tzinfo=UTC))
    await pool.execute("INSERT INTO corporation_details VALUES (98000001, '<C>')")
    await pool.execute("INSERT INTO types VALUES (587, 25); INSERT INTO type_groups VALUES (25, 6, 'Frigate')")
    await pool.execute(
        "UPDATE killmails SET destroyed_value = 1.005, dropped_value = 0, fitted_value = 12345678901.5,"
        " total_value = 1e12, price_date = $1, priced_kinds = 1, item_kinds = 2, solo = true, npc = false,"
        " damage_done = 1200, top_damage_ordinal = 2 WHERE killmail_id = 2",
        date(2026, 1, 1),
    )
    return shared_site


class Counted:
    """The compiled reads, and how many of them went through; `off` refuses all."""

    def __init__(self, site: Site, *, off: bool = False) -> None:
        self._reads = site.services.compiled
        self._off = off
        self.rendered = 0

    async def feed(self, *arguments: Any) -> Any:
        return await self._counted(self._reads.feed, arguments)

    async def killmail(self, *arguments: Any) -> Any:
        return await self._counted(self._reads.killmail, arguments)

    async def _counted(self, read: Any, arguments: tuple[Any, ...]) -> Any:
        if self._off:
            raise NotCompiled
        answer = await read(*arguments)
        self.rendered += 1
        return answer


async def ask(
    site: Site, reads: Counted, query: str, variables: Mapping[str, Any], characters: tuple[int, ...] = (ME, FRIEND)
) -> Answer:
    services = replace(site.services, compiled=reads)  # type: ignore[arg-type]
    executor: Executor = site.app.state.graphql
    context = Context(services, Caller(1, characters), None, "request")
    try:
        planned = await executor.plan(Operation(query, dict(variables), None), context)
    except InvalidDocument as invalid:
        return refusal_answer(invalid, context)
    answer: Answer = orjson.loads(orjson.dumps(await executor.answer(planned, context)))
    return answer


async def both(site: Site, query: str, **variables: Any) -> tuple[Answer, int]:
    """The answer of the compiled reads, compared with that of graphql-core alone; and how many were compiled."""
    reads = Counted(site)
    compiled = await ask(site, reads, query, variables)
    plain = await ask(site, Counted(site, off=True), query, variables)
    assert json.dumps(compiled, indent=1) == json.dumps(plain, indent=1)
    return compiled, reads.rendered


async def test_a_feed_of_everything_is_compiled(filled: Site) -> None:
    answer, compiled = await both(filled, FEED)
    assert compiled == 1
    assert "errors" not in answer
    nodes = answer["data"]["killmails"]["nodes"]
    assert [node["id"] for node in nodes] == ["5", "4", "3", "1", "2"]
    assert nodes[4]["topDamage"]["character"] == {
        "id": str(FRIEND),
        **dict.fromkeys(("name", "birthday", "securityStatus")),
    }
    assert nodes[4]["items"][1]["items"][0]["slot"] == "OTHER"
    assert nodes[4]["relatedKillmail"]["id"] == "1"


@pytest.mark.parametrize("killmail_id", [*range(1, 6), 6, -1])
async def test_a_killmail_of_everything_is_compiled(filled: Site, killmail_id: int) -> None:
    query = EVERYTHING + "query ($id: ID!) { killmail(id: $id) { ...Kill } }"
    answer, compiled = await both(filled, query, id=killmail_id)
    assert compiled == (1 if killmail_id > 0 else 0)
    assert (answer["data"]["killmail"] is not None) == (1 <= killmail_id <= 5)


SCHEMA = load_schema()


# The same documents every time, and without shrinking: a document is long, and a run must end in seconds.
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.one_of(
        documents(SCHEMA, "killmails", "(first: 3)"),
        documents(SCHEMA, "killmails", "(orderBy: VALUE, first: 2)"),
        *(documents(SCHEMA, "killmail", f"(id: {number})") for number in range(1, 6)),
    ),
    st.booleans(),
    st.booleans(),
)
async def test_random_documents_get_the_same_answer(filled: Site, document: str, yes: bool, no: bool) -> None:
    answer, _ = await both(filled, document, yes=yes, no=no)
    # Some documents ask for more than anybody may.
    assert "data" in answer or [error["extensions"]["code"] for error in answer["errors"]] == ["TOO_COMPLEX"]


@pytest.mark.parametrize(
    "query",
    [
        "{ me { id } killmails(first: 2) { nodes { id } } more: killmails(first: 1) { nodes { id } } }",
        "{ killmails(first: 0) { nodes { id } } }",
        '{ killmails(after: "x") { nodes { id } } }',
        '{ killmail(id: "x") { id } killmails { nodes { id } } }',
        "{ killmails(orderBy: VALUE, first: 2) { nodes { id } edges { cursor } } }",
        '{ killmails(filter: {characterId: "1"}) { nodes { id } totalCount } }',
        "{ __schema { queryType { name } } killmails { __typename pageInfo { __typename } } }",
        "{ killmails { nodes { id } } killmails { nodes { time } } }",
        "{ character(id: 90000010) { name killmails(first: 2) { totalCount nodes { id victim { ship { name } } } } } }",
        "{ solarSystem(id: 30000142) { killmails(orderBy: VALUE) { edges { cursor node { value { total } } } } } }",
        "{ me { characters { killmails { nodes { id } } } } killmails { nodes { id } } }",
    ],
)
async def test_errors_and_neighbours_are_the_same(filled: Site, query: str) -> None:
    await both(filled, query)


async def test_the_document_of_the_readme_is_compiled(filled: Site) -> None:
    (query,) = re.findall(r"```graphql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    _, compiled = await both(filled, query)
    assert compiled == 1


@pytest.mark.parametrize(
    ("name", "compiled"),
    [
        ("a-pilot", 1),
        ("a-system", 1),
        ("newest-killmails", 1),
        ("one-killmail", 0),  # the fit in EFT format is not
        ("search", 0),
        ("solo-kills-in-low-security", 1),
        ("who-shot-whom", 1),
    ],
)
async def test_every_example_gets_the_same_answer(filled: Site, name: str, compiled: int) -> None:
    query = (ROOT / "docs" / "queries" / f"{name}.graphql").read_text()
    answer, rendered = await both(filled, query, **VARIABLES.get(name, {}))
    assert "errors" not in answer
    assert rendered == compiled


async def test_a_null_where_none_may_be_is_an_error_as_ever(filled: Site) -> None:
    await filled.pool.execute("UPDATE participants SET security_status = NULL WHERE killmail_id = 3 AND ordinal = 1")
    answer, compiled = await both(filled, "{ killmails { nodes { id attackers { securityStatus } } } }")
    await filled.pool.execute("UPDATE participants SET security_status = 0 WHERE killmail_id = 3 AND ordinal = 1")
    assert compiled == 0
    assert answer["errors"][0]["path"] == ["killmails", "nodes", 2, "attackers", 0, "securityStatus"]


async def test_who_is_on_nothing_gets_an_empty_page(filled: Site) -> None:
    for characters in ((), (1,)):
        reads = Counted(filled)
        answer = await ask(filled, reads, FEED, {}, characters)
        page_info = {"hasNextPage": False, "endCursor": None}
        empty = {"nodes": [], "edges": [], "pageInfo": page_info, "totalCount": 0, "totalCountIsExact": True}
        assert answer["data"]["killmails"] == empty
        assert reads.rendered == 1


@pytest.fixture
async def statements(filled: Site) -> AsyncIterator[list[str]]:
    """What the compiled reads of `filled.recorded` ask of the database."""
    asked: list[str] = []

    async def record(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(lambda logged: asked.append(logged.query))

    async with asyncpg.create_pool(filled.services.settings.database_url, min_size=1, max_size=1, init=record) as pool:
        filled.app.state.recorded = CompiledReads(pool)
        yield asked


async def names_of(site: Site) -> list[str | None]:
    """Of who is on killmail 1, victim and attacker, by the recorded reads."""
    reads = Counted(site)
    reads._reads = site.app.state.recorded
    query = "{ killmail(id: 1) { victim { character { name } } attackers { character { name } ship { id } } } }"
    told = (await ask(site, reads, query, {}))["data"]["killmail"]
    assert reads.rendered == 1
    return [who["character"]["name"] for who in (told["victim"], *told["attackers"])]


async def test_what_is_known_is_not_asked_again_until_it_is_old(
    filled: Site, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled.pool.execute(
        "INSERT INTO character_details VALUES (90000002, now(), 0); INSERT INTO types VALUES (24692, 25), (670, 25)"
    )
    await filled.pool.execute("INSERT INTO type_categories VALUES (6, 'Ship')")
    await store_names(filled.pool, [(90_000_002, "character", "Shooter"), (24692, "inventory_type", "Abaddon")])
    assert len(await names_of(filled)) == 2
    queries = [query for query in statements if query.lstrip().startswith(("WITH", "SELECT"))]
    assert len(queries) >= 3
    del statements[:]
    assert await names_of(filled) == ['Ada "the %s" Löwe\\', "Shooter"]
    assert sum("FROM participants" in query for query in statements) == 2
    assert not any("mentioned" in query for query in statements)
    await store_names(filled.pool, [(90_000_002, "character", "Renamed")])
    assert (await names_of(filled))[1] == "Shooter"
    later = time.monotonic() + KEPT_SECONDS
    monkeypatch.setattr(filled.app.state.recorded._facts, "_now", lambda: later)
    assert (await names_of(filled))[1] == "Renamed"


async def test_a_name_shows_as_soon_as_it_is_known(filled: Site) -> None:
    query = "{ killmail(id: 3) { victim { corporation { name ticker } } finalBlow { corporation { name } } } }"
    before, _ = await both(filled, query)
    assert before["data"]["killmail"]["finalBlow"]["corporation"]["name"] is None
    await store_names(filled.pool, [(98_000_002, "corporation", "Known now")])
    after, compiled = await both(filled, query)
    assert compiled == 1
    assert after["data"]["killmail"]["finalBlow"]["corporation"]["name"] == "Known now"


async def test_the_table_names_fields_of_the_schema() -> None:
    tables = {
        "KillmailConnection": CONNECTION,
        "KillmailEdge": EDGE,
        "Killmail": KILLMAIL,
        "Victim": VICTIM,
        "Attacker": ATTACKER,
        "KillmailValue": VALUE,
        "RelatedKillmail": RELATED,
        "Item": ITEM,
    }
    for name, table in tables.items():
        type_ = SCHEMA.type_map[name]
        assert is_object_type(type_)
        assert table.keys() <= type_.fields.keys()
