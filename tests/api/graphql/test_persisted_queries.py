"""Automatic persisted queries, as Apollo's clients speak them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from api.graphql.persisted import PersistedQueries
from tests.api.running_site import Browser, Site

QUERY = "{ __typename me { id } }"
SHA256 = hashlib.sha256(QUERY.encode()).hexdigest()
EXTENSION = {"persistedQuery": {"version": 1, "sha256Hash": SHA256}}


@pytest.fixture
async def me(site: Site, browser: Browser) -> int:
    account_id = await site.add_pilot(90_000_010)
    await browser.sign_in(account_id)
    return account_id


async def send(browser: Browser, **body: Any) -> tuple[int, dict[str, Any]]:
    async with browser.http.post(f"{browser.site.address}/graphql", json=body) as response:
        return response.status, await response.json()


def code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


async def test_a_document_is_sent_once_and_then_known_by_its_hash(site: Site, browser: Browser, me: int) -> None:
    _, answer = await send(browser, extensions=EXTENSION)
    assert (answer["errors"][0]["message"], code(answer)) == ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    expected = {"__typename": "Query", "me": {"id": str(me)}}
    assert (await send(browser, query=QUERY, extensions=EXTENSION))[1]["data"] == expected
    assert (await send(browser, extensions=EXTENSION))[1]["data"] == expected
    parameters = {"extensions": json.dumps(EXTENSION)}
    async with browser.http.get(f"{site.address}/graphql", params=parameters) as response:
        assert (await response.json())["data"] == expected
    assert await PersistedQueries(site.services.redis).find(SHA256) == QUERY, "another process knows it, too"


@pytest.mark.usefixtures("me")
async def test_a_mutation_is_not_run_by_a_get_of_its_hash(site: Site, browser: Browser) -> None:
    change = "mutation { endOtherSessions { ended } }"
    extension = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(change.encode()).hexdigest()}}
    assert (await send(browser, query=change, extensions=extension))[0] == 200
    async with browser.http.get(f"{site.address}/graphql", params={"extensions": json.dumps(extension)}) as response:
        assert response.status == 405


@pytest.mark.usefixtures("me")
@pytest.mark.parametrize(
    "persisted",
    [
        {"version": 1, "sha256Hash": "0" * 64},
        {"version": 2, "sha256Hash": SHA256},
        {"version": 1, "sha256Hash": SHA256.upper()},
        {"version": 1, "sha256Hash": 7},
        {"version": 1},
        "x",
    ],
)
async def test_a_hash_that_is_not_the_documents_is_refused(browser: Browser, persisted: object) -> None:
    status, answer = await send(browser, query=QUERY, extensions={"persistedQuery": persisted})
    assert (status, code(answer)) == (400, "BAD_REQUEST")


async def test_a_strangers_document_and_an_invalid_one_are_not_kept(site: Site, browser: Browser) -> None:
    assert (await send(browser, query=QUERY, extensions=EXTENSION))[1]["data"]["me"] is None
    await browser.sign_in(await site.add_pilot(90_000_010))
    invalid = "{ nothing }"
    extension = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(invalid.encode()).hexdigest()}}
    await send(browser, query=invalid, extensions=extension)
    for asked in (EXTENSION, extension):
        assert code((await send(browser, extensions=asked))[1]) == "PERSISTED_QUERY_NOT_FOUND"
