"""What graphql-core completes is what is written down, on every way to killmails; whatever else is counted."""

from __future__ import annotations

import pytest
from ariadne import ObjectType
from graphql import GraphQLObjectType, extend_schema, get_named_type, is_object_type, parse

from api.compiled.graphql_core import LEFT_TO_GRAPHQL_CORE, PLANNED, WRITTEN_AS_NODES
from api.graphql.execution import Executor
from api.graphql.schema import load_schema
from tests.api.compiled.counted import fallbacks, fallbacks_since
from tests.api.compiled.filled import ask, both, fill
from tests.api.compiled.random_documents import everything
from tests.api.running_site import Browser, Site

pytestmark = pytest.mark.falls_back

SCHEMA = load_schema()
WAYS = {
    "Query.killmails": "{ killmails %s }",
    "Query.killmail": "{ killmail(id: 2) %s }",
    "CharacterProfile.killmails": "{ character(id: 90000010) { killmails %s } }",
    "CorporationProfile.killmails": "{ corporation(id: 98000001) { killmails %s } }",
    "AllianceProfile.killmails": "{ alliance(id: 99000001) { killmails %s } }",
    "SolarSystemProfile.killmails": "{ solarSystem(id: 30000142) { killmails %s } }",
    "TypeProfile.killmails": "{ type(id: 587) { killmails %s } }",
    "AccountCharacter.killmails": "{ me { characters { killmails %s } } }",
    "AddedKillmail.killmail": 'mutation { addKillmail(link: "https://zkillboard.com/kill/2/") { killmail %s } }',
    "Subscription.killmailAdded": "subscription { killmailAdded %s }",
}
"""Every field that leads to killmails, and how to get to it."""


@pytest.fixture(scope="module")
async def filled(shared_site: Site) -> Site:
    await fill(shared_site)
    return shared_site


def object_types() -> dict[str, GraphQLObjectType]:
    return {name: type_ for name, type_ in SCHEMA.type_map.items() if is_object_type(type_)}


def test_every_type_is_written_down_once() -> None:
    names = [*PLANNED, *WRITTEN_AS_NODES, *(name for name in LEFT_TO_GRAPHQL_CORE if "." not in name)]
    assert sorted(names) == sorted(object_types())


def test_the_tables_have_every_field_of_their_types() -> None:
    for name, table in PLANNED.items():
        assert table.keys() == object_types()[name].fields.keys(), name


async def test_only_what_is_written_down_falls_back(filled: Site) -> None:
    """Of each way to killmails, every field there is."""
    leading = {
        f"{name}.{field}": get_named_type(told.type)
        for name, type_ in object_types().items()
        if name not in PLANNED
        for field, told in type_.fields.items()
        if get_named_type(told.type).name in PLANNED
    }
    assert leading.keys() == WAYS.keys()
    fell_back: set[str] = set()
    for field, type_ in leading.items():
        assert is_object_type(type_)
        answer, fallen = await both(filled, WAYS[field] % everything(type_))
        assert "errors" not in answer, (field, answer)
        assert '"Kill' in str(answer).replace("'", '"'), f"{field} led to no killmail"
        fell_back |= fallen.keys()
    assert fell_back == {name for name in LEFT_TO_GRAPHQL_CORE if "." in name}


async def test_a_new_field_is_answered_slowly_and_not_unseen(
    filled: Site, visitor: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    schema = extend_schema(SCHEMA, parse("extend type Killmail { shout(times: Int = 1): String! } "))
    shouting = ObjectType("Killmail")
    shouting.set_field("shout", lambda node, _, times: f"{node['victim']['ship']['name'].upper()}{'!' * times}")
    shouting.bind_to_schema(schema)
    query = """query ($twice: Boolean = true) {
        killmail(id: 2) {
            __typename id shout victim { character { birthday } } twice: shout(times: 2) @include(if: $twice)
        }
        killmails(first: 1) { edges { node { shout } } }
    }"""
    before = fallbacks()
    answer = await ask(filled, query, {}, executor=Executor(schema))
    assert answer == {
        "data": {
            "killmail": {
                "__typename": "Killmail",
                "id": "2",
                "shout": "RIFTER!",
                "victim": {"character": {"birthday": "2010-01-02T00:00:00Z"}},
                "twice": "RIFTER!!",
            },
            "killmails": {"edges": [{"node": {"shout": "RIFTER!"}}]},
        }
    }
    assert fallbacks_since(before) == {"Query.killmail": 1, "Query.killmails": 1}
    assert "graphql-core completes Query.killmail: Killmail.shout" in caplog.text
    _, metrics = await visitor.get("/metrics")
    assert 'killreport_graphql_fallback_fields_total{field="Query.killmails"}' in metrics


async def test_a_null_where_none_may_be_is_an_error_at_its_place(filled: Site) -> None:
    update = "UPDATE participants SET security_status = $1 WHERE killmail_id = 3 AND ordinal = 1"
    before = fallbacks()
    await filled.pool.execute(update, None)
    answer = await ask(filled, "{ killmails { nodes { id attackers { securityStatus } } } }", {})
    await filled.pool.execute(update, 0.0)
    assert answer["data"] is None
    assert [error["path"] for error in answer["errors"]] == [
        ["killmails", "nodes", 2, "attackers", 0, "securityStatus"]
    ]
    assert fallbacks_since(before) == {"Query.killmails": 1}
