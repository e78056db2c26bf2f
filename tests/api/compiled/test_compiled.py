"""The planned reads answer what graphql-core makes of ESI's documents."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.compiled.entities import KEPT_SECONDS
from api.compiled.reads import CompiledReads
from api.graphql.schema import load_schema
from db.universe.names import store_names
from tests.api.compiled.filled import ask, both, fill
from tests.api.compiled.random_documents import documents
from tests.api.compiled.varied_killmails import EVERYTHING, FEED, FRIEND
from tests.api.graphql.example_variables import VARIABLES
from tests.api.running_site import Site
from tests.paths import ROOT

pytestmark = pytest.mark.falls_back  # what ours is compared with


@pytest.fixture(scope="module")
async def filled(shared_site: Site) -> Site:
    await fill(shared_site)
    return shared_site


async def test_a_feed_of_everything(filled: Site) -> None:
    answer, fell_back = await both(filled, FEED)
    assert not fell_back
    assert "errors" not in answer
    nodes = answer["data"]["killmails"]["nodes"]
    assert [node["id"] for node in nodes] == ["5", "4", "3", "1", "2"]
    assert nodes[4]["topDamage"]["character"] == {
        "id": str(FRIEND),
        **dict.fromkeys(("name", "birthday", "securityStatus")),
    }
    assert nodes[4]["items"][1]["items"][0]["slot"] == "OTHER"
    assert nodes[4]["relatedKillmail"]["id"] == "1"
    # 4 and 3 million kilometres away in two directions.
    told = {"id": "40009082", "name": "Jita IV - Moon 4", "distance": 5e9}
    assert nodes[3]["nearestCelestial"] == {"__typename": "NearestCelestial", **told}
    assert nodes[4]["nearestCelestial"] is None, "it has no position"


@pytest.mark.parametrize("killmail_id", [*range(1, 6), 6, -1])
async def test_a_killmail_of_everything(filled: Site, killmail_id: int) -> None:
    query = EVERYTHING + "query ($id: ID!) { killmail(id: $id) { ...Kill } }"
    answer, fell_back = await both(filled, query, id=killmail_id)
    assert not fell_back
    assert (answer["data"]["killmail"] is not None) == (1 <= killmail_id <= 5)


SCHEMA = load_schema()


# The same documents every time, and without shrinking: a document is long, and a run must end in seconds.
@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.one_of(
        documents(SCHEMA, "query { killmails(first: 3) %s }", "KillmailConnection"),
        documents(SCHEMA, "query { killmails(orderBy: VALUE, first: 2) %s }", "KillmailConnection"),
        documents(SCHEMA, "query { me { characters { killmails(first: 2) %s } } }", "KillmailConnection"),
        documents(SCHEMA, "query { character(id: 90000010) { killmails(first: 2) %s } }", "KillmailConnection"),
        documents(SCHEMA, "subscription { killmailAdded %s }", "Killmail"),
        *(documents(SCHEMA, f"query {{ killmail(id: {number}) %s }}", "Killmail") for number in range(1, 6)),
    ),
    st.booleans(),
    st.booleans(),
)
async def test_random_documents_get_the_same_answer(filled: Site, document: str, yes: bool, no: bool) -> None:
    answer, fell_back = await both(filled, document, yes=yes, no=no)
    assert not fell_back
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
        "{ me { characters { killmails { nodes { id } totalCount } } } killmails { nodes { id } } }",
        "{ killmail(id: 2) { __typename fit: eft liveCursor victim { __typename } } }",
        "subscription { killmailAdded { id liveCursor } killmailAdded { eft } }",
        "subscription { new: killmailAdded { attackerGroups { ships { attackers } } } }",
    ],
)
async def test_errors_and_neighbours_are_the_same(filled: Site, query: str) -> None:
    _, fell_back = await both(filled, query)
    assert not fell_back


async def test_the_document_of_the_readme(filled: Site) -> None:
    (query,) = re.findall(r"```graphql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    _, fell_back = await both(filled, query)
    assert not fell_back


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "docs" / "queries").glob("*.graphql")))
async def test_every_example_gets_the_same_answer(filled: Site, name: str) -> None:
    query = (ROOT / "docs" / "queries" / f"{name}.graphql").read_text()
    answer, fell_back = await both(filled, query, **VARIABLES.get(name, {}))
    assert "errors" not in answer
    assert not fell_back


async def test_who_is_on_nothing_gets_an_empty_page(filled: Site) -> None:
    for characters in ((), (1,)):
        answer = await ask(filled, FEED, {}, characters=characters)
        page_info = {"hasNextPage": False, "endCursor": None}
        empty = {"nodes": [], "edges": [], "pageInfo": page_info, "totalCount": 0, "totalCountIsExact": True}
        assert answer["data"]["killmails"] == empty


@pytest.fixture
async def statements(filled: Site) -> AsyncIterator[list[str]]:
    """What the reads of `filled.recorded` ask of the database."""
    asked: list[str] = []

    async def record(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(lambda logged: asked.append(logged.query))

    async with asyncpg.create_pool(filled.services.settings.database_url, min_size=1, max_size=1, init=record) as pool:
        filled.app.state.recorded = CompiledReads(pool)
        yield asked


async def names_of(site: Site) -> list[str | None]:
    """Of who is on killmail 1, victim and attacker, by the recorded reads."""
    query = "{ killmail(id: 1) { victim { character { name } } attackers { character { name } ship { id } } } }"
    told = (await ask(site, query, {}, site.app.state.recorded))["data"]["killmail"]
    return [one["character"]["name"] for one in (told["victim"], *told["attackers"])]


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
    monkeypatch.setattr(filled.app.state.recorded._entities, "_now", lambda: later)
    assert (await names_of(filled))[1] == "Renamed"


async def test_a_name_shows_as_soon_as_it_is_known(filled: Site) -> None:
    query = "{ killmail(id: 3) { victim { corporation { name ticker } } finalBlow { corporation { name } } } }"
    before, _ = await both(filled, query)
    assert before["data"]["killmail"]["finalBlow"]["corporation"]["name"] is None
    await store_names(filled.pool, [(98_000_002, "corporation", "Known now")])
    after, _ = await both(filled, query)
    assert after["data"]["killmail"]["finalBlow"]["corporation"]["name"] == "Known now"
