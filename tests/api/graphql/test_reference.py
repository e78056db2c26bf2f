"""The reference page says what the schema says, everything in the schema is explained, and the examples work."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    is_specified_scalar_type,
)

from api.graphql.reference import REFERENCE, examples, reference
from api.graphql.schema import load_schema
from db.universe.names import store_names, store_solar_systems
from db.values.appraisal import appraise
from db.values.prices import store_snapshot
from tests.api.graphql.example_variables import ME, VARIABLES, VICTIM
from tests.api.live.socket_client import open_socket
from tests.api.running_site import Browser, Site
from tests.db.bodies import START, body


def unexplained(kind: GraphQLNamedType) -> Iterator[str]:
    if not kind.description:
        yield kind.name
    if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
        for name, field in kind.fields.items():
            if not field.description:
                yield f"{kind.name}.{name}"
            for argument, told in getattr(field, "args", {}).items():
                if not told.description:
                    yield f"{kind.name}.{name}({argument}:)"
    if isinstance(kind, GraphQLEnumType):
        yield from (f"{kind.name}.{value}" for value, told in kind.values.items() if not told.description)


def test_everything_in_the_schema_is_explained() -> None:
    kinds = load_schema().type_map.values()
    ours = [kind for kind in kinds if not kind.name.startswith("__") and not is_specified_scalar_type(kind)]
    assert [one for kind in ours for one in unexplained(kind)] == []


def test_the_reference_is_that_of_the_schema() -> None:
    assert REFERENCE.read_text() == reference(), "run `make reference`"


@pytest.fixture
async def account(site: Site, browser: Browser) -> None:
    """A pilot who is signed in, with a loss and a solo kill in low security, both named and priced."""
    await browser.sign_in(await site.add_pilot(ME, name="Ada Lovelace"))
    await site.store(body(1, victim=ME), body(2, victim=VICTIM, attackers=(ME,)))
    await store_snapshot(site.pool, START.date(), "", [(587, Decimal(1_000_000), None)])
    await store_names(
        site.pool,
        [
            (ME, "character", "Ada Lovelace"),
            (VICTIM, "character", "Some Body"),
            (587, "inventory_type", "Rifter"),
            (30_000_142, "solar_system", "Jita"),
        ],
    )
    await store_solar_systems(site.pool, [(30_000_142, 0.3, 20_000_020)])
    await site.pool.execute("INSERT INTO types (type_id, group_id) VALUES (587, 25), (24692, 27)")
    await site.pool.execute("INSERT INTO type_groups (group_id, category_id) VALUES (25, 6), (27, 6)")
    await appraise(site.pool, [1, 2])


@pytest.mark.usefixtures("account")
async def test_every_example_finds_something(browser: Browser) -> None:
    assert set(VARIABLES) < set(examples())
    for name, document in examples().items():
        assert document.startswith("# "), name
        if "\nsubscription" in document:
            continue
        data = await browser.data(document, **VARIABLES.get(name, {}))
        (found,) = data.values()
        assert found, name
        if "killmails" in data:
            assert found["nodes"], name
        if name == "one-killmail":
            assert found["eft"] == "[Rifter, Some Body 2026-01-01]\n"
        if name == "a-pilot":
            assert (found["statistics"]["kills"], found["statistics"]["losses"]) == (1, 1)


@pytest.mark.usefixtures("account")
async def test_every_subscription_of_the_examples_tells_something(site: Site, browser: Browser) -> None:
    documents = [document for document in examples().values() if "\nsubscription" in document]
    assert documents
    for number, document in enumerate(documents, 100):
        async with open_socket(browser) as client:
            await client.initialise()
            await client.subscribe("1", document)
            await site.followed_by(1)
            await site.store(body(number, victim=ME), announce_to=ME)
            message = await client.receive()
            assert message["type"] == "next", message
            (told,) = message["payload"]["data"].values()
            assert told["victim"]["ship"]["name"] == "Rifter"
