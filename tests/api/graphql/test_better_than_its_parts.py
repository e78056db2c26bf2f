"""Each fault of plain Ariadne that a stranger or a pilot could meet: shown on it, and not here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from api.graphql.execution import Executor
from settings import Settings
from tests.api.graphql import plain_ariadne
from tests.api.graphql.node_programs import run_node
from tests.api.graphql.plain_ariadne import plain, schema, serve_plain
from tests.api.running_site import Browser, serve

JSON, GRAPHQL = "application/json", "application/graphql-response+json"
SUBPROTOCOL = "graphql-transport-ws"
SECRET = "password of the database"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


@pytest.fixture
async def theirs() -> AsyncIterator[str]:
    """Plain Ariadne with a schema of the test."""
    async with serve_plain(plain()) as address:
        yield f"{address}/graphql"


@pytest.fixture
async def ours(lone_settings: Settings, http: aiohttp.ClientSession) -> AsyncIterator[str]:
    """Our handlers with the same schema; `http` is signed in."""
    async with serve(lone_settings) as site:
        site.app.state.graphql = Executor(schema)
        await Browser(site, http).sign_in(await site.add_pilot(90_000_010))
        yield f"{site.address}/graphql"


async def post(http: aiohttp.ClientSession, address: str, query: str, **headers: str) -> aiohttp.ClientResponse:
    response = await http.post(address, json={"query": query}, headers=headers)
    await response.read()
    return response


async def test_an_answer_comes_in_the_media_type_that_was_asked_for(
    http: aiohttp.ClientSession, theirs: str, ours: str
) -> None:
    assert (await post(http, theirs, "{ ping }", Accept=GRAPHQL)).content_type == JSON
    assert (await post(http, ours, "{ ping }", Accept=GRAPHQL)).content_type == GRAPHQL


async def test_an_older_client_is_told_of_an_invalid_document_with_200(
    http: aiohttp.ClientSession, theirs: str, ours: str
) -> None:
    assert (await post(http, theirs, "{ nothing }", Accept=JSON)).status == 400
    assert (await post(http, ours, "{ nothing }", Accept=JSON)).status == 200
    assert (await post(http, ours, "{ nothing }", Accept=GRAPHQL)).status == 400


async def test_an_operation_that_was_executed_is_answered_with_200(
    http: aiohttp.ClientSession, theirs: str, ours: str
) -> None:
    assert (await post(http, theirs, "{ required }", Accept=GRAPHQL)).status == 400
    answer = await post(http, ours, "{ required }", Accept=GRAPHQL)
    assert (answer.status, (await answer.json(content_type=None))["data"]) == (200, None)


async def test_a_program_that_sends_a_get_is_not_shown_a_web_page(
    http: aiohttp.ClientSession, theirs: str, ours: str
) -> None:
    async with http.get(theirs, params={"query": "{ ping }"}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
    async with http.get(ours, params={"query": "{ ping }"}) as answer:
        assert (answer.status, (await answer.json())["data"]) == (200, {"ping": "pong"})


async def test_what_is_no_request_is_refused_in_json(http: aiohttp.ClientSession, theirs: str, ours: str) -> None:
    answer = await http.post(theirs, data=b"not json", headers={"Content-Type": JSON})
    assert answer.content_type == "text/plain"
    for body in (b"not json", b'{"query": "{ ping }", "variables": 7}', b'{"query": 7}'):
        answer = await http.post(ours, data=body, headers={"Content-Type": JSON})
        assert (answer.status, bool((await answer.json())["errors"][0]["message"])) == (400, True)


async def test_an_exception_does_not_tell_its_message(http: aiohttp.ClientSession, theirs: str, ours: str) -> None:
    assert SECRET in await (await post(http, theirs, "{ secret }")).text()
    assert SECRET not in await (await post(http, ours, "{ secret }")).text()


async def test_a_form_of_another_site_changes_nothing(http: aiohttp.ClientSession, theirs: str, ours: str) -> None:
    """Multipart is what any page can send with the visitor's cookie; Ariadne runs it wherever python-multipart is."""

    async def forge(address: str) -> int:
        form = aiohttp.FormData(
            {"operations": '{"query": "mutation { ping }"}', "map": "{}"}, default_to_multipart=True
        )
        before = plain_ariadne.mutations["done"]
        await http.post(address, data=form, headers={"Origin": "https://evil.invalid"})
        return plain_ariadne.mutations["done"] - before

    assert await forge(theirs) == 1
    assert await forge(ours) == 0
    # Nor without python-multipart's help, whatever simple content type a form has.
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await http.post(ours, data=b'{"query": "mutation { ping }"}', headers={"Content-Type": content_type})
        assert answer.status == 415


async def test_the_explorer_brings_no_script_of_another_host(
    http: aiohttp.ClientSession, theirs: str, ours: str
) -> None:
    async with http.get(theirs, headers={"Accept": "text/html"}) as page:
        assert "https://esm.sh" in await page.text()
    async with http.get(ours, headers={"Accept": "text/html"}) as page:
        assert "https://" not in await page.text()


async def test_extensions_of_a_wrong_type_are_refused(http: aiohttp.ClientSession, theirs: str, ours: str) -> None:
    body = {"query": "{ ping }", "extensions": "x"}
    async with http.post(theirs, json=body) as answer:
        assert answer.status == 200
    async with http.post(ours, json=body) as answer:
        assert answer.status == 400


async def test_many_aliases_of_a_root_field_are_not_run(http: aiohttp.ClientSession, theirs: str, ours: str) -> None:
    query = "{ " + " ".join(f"a{number}: ping" for number in range(500)) + " }"
    plain_ariadne.started.clear()
    await post(http, theirs, query)
    assert len(plain_ariadne.started) == 500
    plain_ariadne.started.clear()
    answer = await (await post(http, ours, query)).json()
    assert answer["errors"][0]["extensions"]["code"] == "TOO_COMPLEX"
    assert not plain_ariadne.started


# --- sockets ---------------------------------------------------------------------------------------------------------


async def closed_with(
    http: aiohttp.ClientSession, address: str, *messages: str, subprotocol: str = SUBPROTOCOL
) -> int | None:
    """The code a socket is closed with that sends these."""
    async with http.ws_connect(address, protocols=[subprotocol]) as socket:
        for message in messages:
            await socket.send_str(message)
        while not socket.closed:
            await socket.receive(timeout=10)
        return socket.close_code


@pytest.mark.parametrize("message", ["not json", "[]"])
async def test_a_malformed_message_is_answered_with_a_code_and_leaves_no_traceback(
    http: aiohttp.ClientSession,
    theirs: str,
    ours: str,
    message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await closed_with(http, theirs, message) == 1006
    assert any(record.exc_info for record in caplog.records)
    caplog.clear()
    assert await closed_with(http, ours, message) == 4400
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_client_of_another_protocol_is_told_so(http: aiohttp.ClientSession, theirs: str, ours: str) -> None:
    async with http.ws_connect(theirs, protocols=["graphql-ws"]) as socket:
        await socket.send_str('{"type": "ping"}')
        assert (await socket.receive_json(timeout=10))["type"] == "pong", "served, in a protocol it did not offer"
    assert await closed_with(http, ours, subprotocol="graphql-ws") == 4406


async def test_a_closed_socket_leaves_nothing_behind(http: aiohttp.ClientSession, theirs: str, ours: str) -> None:
    async def left_by(address: str) -> set[asyncio.Task[Any]]:
        before = asyncio.all_tasks()
        async with http.ws_connect(address, protocols=[SUBPROTOCOL]) as socket:
            await socket.send_str('{"type": "ping"}')
            await socket.receive(timeout=10)
        left = asyncio.all_tasks() - before
        # What is about to end ends at once; Ariadne's waits for a minute.
        if left:
            await asyncio.wait(left, timeout=0.5)
        return {task for task in left if not task.done()}

    assert await left_by(theirs) & plain_ariadne.left_behind()
    assert not await left_by(ours)


async def test_an_operation_without_an_id_is_refused(http: aiohttp.ClientSession, theirs: str, ours: str) -> None:
    init, nameless = '{"type": "connection_init"}', '{"type": "subscribe", "payload": {"query": "{ ping }"}}'
    async with http.ws_connect(theirs, protocols=[SUBPROTOCOL]) as socket:
        await socket.send_str(init)
        await socket.receive_json(timeout=10)
        await socket.send_str(nameless)
        assert (await socket.receive_json(timeout=10))["id"] is None
    assert await closed_with(http, ours, init, nameless) == 4400


async def test_a_slow_query_does_not_hold_up_a_ping(http: aiohttp.ClientSession, theirs: str, ours: str) -> None:
    async def ping_is_answered(address: str) -> bool:
        plain_ariadne.slow.clear()
        async with http.ws_connect(address, protocols=[SUBPROTOCOL]) as socket:
            await socket.send_str('{"type": "connection_init"}')
            await socket.receive_json(timeout=10)
            await socket.send_str('{"type": "subscribe", "id": "1", "payload": {"query": "{ slow }"}}')
            await socket.send_str('{"type": "ping"}')
            answer = asyncio.ensure_future(socket.receive_json())
            answered = bool((await asyncio.wait([answer], timeout=patience))[0])
            plain_ariadne.slow.set()
            await answer
            return answered

    patience = 0.3
    assert not await ping_is_answered(theirs)
    patience = 10
    assert await ping_is_answered(ours)


async def test_a_refused_client_gives_up_instead_of_connecting_for_ever(lone_settings: Settings) -> None:
    """Closed with 1000, as Ariadne does it, the client `graphql-ws` opens 200 sockets a second and says nothing."""

    def refuse(*_: object) -> None:
        raise ValueError("who are you?")

    subscription = {"query": "subscription { broken }", "retryAttempts": 0}
    async with serve_plain(plain(on_connect=refuse)) as address:
        url = f"{address.replace('http', 'ws')}/graphql"
        async with run_node("subscriber.mjs", {"url": url, **subscription}) as program:
            told = [await program.line() for _ in range(30)]
        assert not [line for line in told if "error" in line]
        assert sum("opened" in line for line in told) >= 10
    async with serve(lone_settings) as site:
        url = f"{site.address.replace('http', 'ws')}/graphql"
        async with run_node("subscriber.mjs", {"url": url, **subscription, "retryAttempts": 5}) as program:
            told = await program.rest()
    assert [next(iter(line)) for line in told] == ["opened", "closed", "error"]
    assert told[-1]["error"]["code"] == 4401
