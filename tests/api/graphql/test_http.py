"""GraphQL over HTTP: media types, statuses, limits, and requests from other sites."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import aiohttp
import orjson
import pytest
from yarl import URL

from api import opening
from settings import Settings
from tests.api.running_site import Browser, Site, open_browser, serve

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"


async def send(
    visitor: Browser, body: object, *, accept: str = "*/*", content_type: str = JSON, **headers: str
) -> aiohttp.ClientResponse:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    said = {"Accept": accept, "Content-Type": content_type, **headers}
    response = await visitor.http.post(f"{visitor.site.address}/graphql", data=data, headers=said)
    await response.read()
    return response


@pytest.mark.parametrize(
    ("accept", "media_type", "invalid_status"),
    [
        ("*/*", JSON, 200),
        (JSON, JSON, 200),
        (GRAPHQL, GRAPHQL, 400),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL, 400),
        (f"{GRAPHQL};q=0.1, {JSON}", JSON, 200),
    ],
)
async def test_the_client_chooses_the_media_type(
    visitor: Browser, accept: str, media_type: str, invalid_status: int
) -> None:
    good = await send(visitor, {"query": "{ __typename }"}, accept=accept)
    assert (good.status, good.content_type) == (200, media_type)
    assert (await good.json(content_type=None))["data"] == {"__typename": "Query"}
    invalid = await send(visitor, {"query": "{ nothing }"}, accept=accept)
    assert (invalid.status, invalid.content_type) == (invalid_status, media_type)
    answer = await invalid.json(content_type=None)
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "data" not in answer


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status"),
    [
        ({"query": "{ __typename }"}, JSON, "image/png", 406),
        ({"query": "{ __typename }"}, "text/plain", "*/*", 415),
        (b"query=%7B__typename%7D", "application/x-www-form-urlencoded", "*/*", 415),
        (b"", "multipart/form-data; boundary=x", "*/*", 415),
        (b"{not json", JSON, "*/*", 400),
        ([{"query": "{ __typename }"}], JSON, "*/*", 400),
        ({}, JSON, "*/*", 400),
        ({"query": 7}, JSON, "*/*", 400),
        ({"query": "{ __typename }", "variables": [1]}, JSON, "*/*", 400),
        ({"query": "{ __typename }", "operationName": {}}, JSON, "*/*", 400),
        ({"query": "{ __typename }", "extensions": "x"}, JSON, "*/*", 400),
        ({"query": "{ __typename } #" + "x" * 70_000}, JSON, "*/*", 413),
    ],
)
async def test_what_is_no_graphql_request_is_refused(
    visitor: Browser, body: object, content_type: str, accept: str, status: int
) -> None:
    response = await send(visitor, body, content_type=content_type, accept=accept)
    assert response.status == status
    assert (await response.json(content_type=None))["errors"][0]["message"]


async def test_a_body_far_too_long_is_refused_and_no_error_of_ours(
    visitor: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    response = await send(visitor, {"query": "{ __typename } #" + "x" * 200_000})
    assert response.status == 413
    assert (await response.json())["errors"][0]["message"] == "The body is far too long."
    assert response.headers["X-Request-ID"], "it went the way of every answer"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ me", "GRAPHQL_PARSE_FAILED"),
        ("{ " + "me { id } " * 600 + "}", "GRAPHQL_PARSE_FAILED"),
        ("{ killmails " + "{ nodes { victim { ship " * 1 + "{ id } } } }" + "}", None),
        ("{ " + " ".join(f"a{n}: me {{ b{n}: id c{n}: id d{n}: id }}" for n in range(9)) + " }", "TOO_COMPLEX"),
        ("{ " + " ".join(f"a{n}: me {{ id }}" for n in range(11)) + " }", "TOO_COMPLEX"),
        (
            "{ ...A ...B } fragment A on Query { ...B } fragment B on Query { "
            + " ".join(f"a{n}: me {{ id }}" for n in range(8))
            + " }",
            "TOO_COMPLEX",
        ),
        ("{ __schema { " + " ".join(f"a{n}: types {{ name }}" for n in range(6)) + " } }", "TOO_COMPLEX"),
        ("{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(6)) + " }", "TOO_COMPLEX"),
        (
            '{ __type(name: "Killmail") { ...F } } fragment F on __Type { fields { '
            + " ".join(f"a{n}: name" for n in range(6))
            + " } }",
            "TOO_COMPLEX",
        ),
        ("{ killmails { nodes { items " + "{ items " * 9 + "{ flag } " + "}" * 9 + "} } }", "TOO_COMPLEX"),
    ],
)
async def test_documents_have_limits(visitor: Browser, query: str, code: str | None) -> None:
    answer = await visitor.graphql(query)
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    assert codes == ({code} if code else set())


async def test_directives_have_a_limit(visitor: Browser) -> None:
    fields = " ".join(f"a{number}: id @include(if: true) @skip(if: false)" for number in range(26))
    (error,) = (await visitor.graphql(f"{{ me {{ {fields} }} }}"))["errors"]
    assert error["extensions"]["code"] == "TOO_COMPLEX"
    assert "directives" in error["message"]


async def test_a_statement_that_takes_too_long_is_ended_by_postgres(
    lone_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "STATEMENT_SECONDS", 1)
    async with serve(lone_settings) as site, open_browser(site) as browser:
        await browser.sign_in(await site.add_pilot(90_000_010))
        async with site.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE participants")
            answer = await browser.graphql("{ killmails { nodes { id } } }")
    assert answer["errors"][0]["extensions"]["code"] == "TIMEOUT"


async def test_introspection_is_within_the_limits(visitor: Browser) -> None:
    from graphql import get_introspection_query

    assert (await visitor.data(get_introspection_query()))["__schema"]["types"]
    types = " ".join(f'a{n}: __type(name: "Killmail") {{ name }}' for n in range(10))
    assert await visitor.data(f"{{ {types} }}"), "a type is little"


async def test_fragments_that_double_hold_nobody_up(shared_site: Site) -> None:
    """Such a document is short and costs 1; whoever follows each fragment as often as it is written never returns."""
    doubling = " ".join(f"fragment F{n} on SyncHealth {{ ...F{n + 1} ...F{n + 1} }}" for n in range(22))
    async with open_browser(shared_site) as stranger:
        started = time.perf_counter()
        told = await stranger.data(f"{{ syncHealth {{ ...F0 }} }} {doubling} fragment F22 on SyncHealth {{ users }}")
    assert told["syncHealth"]["users"] >= 0
    assert time.perf_counter() - started < 5, "not 2^22 steps"


async def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_failure_of_ours(
    shared_site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    parts = URL(shared_site.address)
    _, writer = await asyncio.open_connection(parts.host, parts.port)
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    writer.write(head.encode() + b'{"query"')
    await writer.drain()
    writer.close()
    async with asyncio.timeout(10):
        while "POST '/graphql' 400" not in caplog.text:  # noqa: ASYNC110 - nobody is answered
            await asyncio.sleep(0.01)
    assert "Traceback" not in caplog.text


async def test_an_operation_must_be_named_when_there_are_several(visitor: Browser) -> None:
    answer = await visitor.graphql("query A { __typename } query B { __typename }")
    assert answer["errors"]
    assert "data" not in answer


async def test_a_subscription_is_not_served_over_http(visitor: Browser) -> None:
    answer = await visitor.graphql("subscription { killmailAdded { id } }")
    assert "graphql-transport-ws" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy.invalid"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.invalid"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),  # half an IPv6 address
    ],
)
async def test_other_sites_cannot_use_a_visitors_session(
    visitor: Browser, headers: dict[str, str], status: int
) -> None:
    await visitor.sign_in(await visitor.site.add_account())
    response = await send(visitor, {"query": "{ __typename }"}, **headers)
    assert response.status == status


async def get(visitor: Browser, **parameters: str) -> tuple[int, dict[str, Any]]:
    async with visitor.http.get(f"{visitor.site.address}/graphql", params=parameters) as response:
        return response.status, await response.json()


async def test_a_get_runs_a_query_and_no_mutation(visitor: Browser) -> None:
    document = "query A($id: ID!) { killmail(id: $id) { id } } query B { __typename }"
    status, answer = await get(visitor, query=document, operationName="A", variables='{"id": "1"}')
    assert (status, answer["data"]) == (200, {"killmail": None})
    assert (await get(visitor, query=document, operationName="B"))[1]["data"] == {"__typename": "Query"}
    for variables in ("{", "[]"):
        assert (await get(visitor, query=document, variables=variables))[0] == 400
    change = 'mutation { syncNow(characterId: "1") { userErrors { code } } }'
    async with visitor.http.get(f"{visitor.site.address}/graphql", params={"query": change}) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert (await get(visitor))[0] == 400


async def test_explorer_and_introspection_can_be_switched_off(lone_settings: Settings) -> None:
    closed = lone_settings.model_copy(update={"graphql_explorer": False, "graphql_introspection": False})
    async with serve(closed) as site, open_browser(site) as browser:
        status, _ = await browser.get("/graphql", headers={"Accept": "text/html, */*"})
        assert status == 400
        for query in ("{ __schema { types { name } } }", '{ __type(name: "Me") { name } }'):
            errors = (await browser.graphql(query))["errors"]
            assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}
        assert (await browser.data("{ __typename }")) == {"__typename": "Query"}
