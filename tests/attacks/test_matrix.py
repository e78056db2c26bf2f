"""The matrix: everything that can be asked for, by everybody who might; and nobody learns what is another's."""

from __future__ import annotations

import pytest
from starlette.routing import Mount, Route

from tests.attacks.asking import cell
from tests.attacks.callers import Caller
from tests.attacks.graphql_rows import MUTATIONS, QUERIES
from tests.attacks.page_rows import FORMS, READ
from tests.attacks.rows import Operation, Page
from tests.attacks.world import World

OPERATIONS: list[Operation] = [*QUERIES, *MUTATIONS]
PAGES: list[Page] = [*READ, *FORMS]


def test_every_root_field_has_a_row(world: World) -> None:
    schema = world.site.app.state.schema
    roots = {
        f"{root.name}.{name}" for root in (schema.query_type, schema.mutation_type) if root for name in root.fields
    }
    assert {row.door for row in OPERATIONS} == roots


def test_every_route_has_a_row(world: World) -> None:
    doors = set()
    for route in world.site.app.routes:
        if isinstance(route, Mount):
            doors.add(f"GET {route.path}")
        elif isinstance(route, Route):
            doors |= {f"{method} {route.path}" for method in route.methods or () if method != "HEAD"}
    assert {row.door for row in PAGES} | {"POST /graphql"} == doors


@pytest.mark.parametrize("row", [*OPERATIONS, *PAGES], ids=lambda row: f"{row.door} {row.what}")
async def test_whoever_asks_gets_what_is_theirs(world: World, row: Operation | Page) -> None:
    outcomes = {caller: await cell(world, row, caller) for caller in Caller}
    assert {caller: told for caller, told in outcomes.items() if told != row.expected(caller)} == {}
