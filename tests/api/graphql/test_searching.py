"""`search` over GraphQL."""

from __future__ import annotations

from typing import Any

import pytest

from db.universe.names import store_names
from tests.api.running_site import Browser, Site

ME = 90_000_010
SEARCH = """
query Search($name: String!, $kinds: [SearchKind!], $first: Int = 10) {
  search(name: $name, kinds: $kinds, first: $first) { kind id name ticker }
}
"""


async def test_whoever_is_signed_in_finds_names(site: Site, browser: Browser) -> None:
    await store_names(site.pool, [(1, "character", "Jitara"), (30_000_142, "solar_system", "Jita")])
    assert (await browser.data(SEARCH, name="jit"))["search"] == []
    await browser.sign_in(await site.add_pilot(ME))
    jita = {"kind": "SOLAR_SYSTEM", "id": "30000142", "name": "Jita", "ticker": None}
    assert (await browser.data(SEARCH, name="jit"))["search"][0] == jita
    assert (await browser.data(SEARCH, name="jit", kinds=["SOLAR_SYSTEM"]))["search"] == [jita]


@pytest.mark.parametrize("variables", [{"name": ""}, {"name": "  "}, {"name": "x" * 101}, {"name": "x", "first": 51}])
async def test_a_senseless_search_is_refused(visitor: Browser, variables: dict[str, Any]) -> None:
    (error,) = (await visitor.graphql(SEARCH, **variables))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"].endswith(".")
