"""A subscription that comes again with its cursor misses nothing and gets nothing twice; one rendering serves many."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.graphql.execution import Executor
from api.live import feed, killmail_stream
from db.intake.arrivals import record_arrivals
from db.intake.store import store_killmails
from db.killmails.cursors import position_cursor
from settings import Settings
from tests.api.graphql import plain_ariadne
from tests.api.graphql.node_programs import run_node
from tests.api.graphql.plain_ariadne import plain, serve_plain
from tests.api.live.socket_client import SocketClient, open_socket
from tests.api.live.subscribing import ME, OTHER, STRANGER, live
from tests.api.running_site import Browser, Site, open_browser, serve
from tests.db.bodies import body, raw

ADDED = """
subscription Added($filter: KillmailFilter, $after: String) {
  killmailAdded(filter: $filter, after: $after) { id liveCursor }
}
"""


@pytest.fixture
async def me(site: Site, browser: Browser) -> int:
    account_id = await site.add_pilot(ME)
    await site.add_pilot(OTHER, account_id)
    await browser.sign_in(account_id)
    return account_id


async def added(client: SocketClient, count: int) -> list[dict[str, Any]]:
    """The next so many killmails."""
    got = []
    for _ in range(count):
        message = await client.receive()
        assert message["type"] == "next", message
        got.append(message["payload"]["data"]["killmailAdded"])
    return got


async def ids(client: SocketClient, count: int) -> list[int]:
    return [int(killmail["id"]) for killmail in await added(client, count)]


@pytest.mark.usefixtures("me")
async def test_what_arrived_meanwhile_comes_first_and_then_what_is_new(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe(query=ADDED)
        await site.followed_by(1)
        await site.store(body(5, victim=ME), announce_to=ME)
        (killmail,) = await added(client, 1)
    # An older killmail that arrives later comes later: the order is that of arrival.
    await site.store(body(3, victim=ME), announce_to=ME)
    await site.store(body(4, victim=STRANGER), announce_to=STRANGER)
    await site.store(body(9, attackers=(OTHER,)), announce_to=OTHER)
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe(query=ADDED, after=killmail["liveCursor"])
        assert await ids(client, 2) == [3, 9]
        await site.store(body(1, victim=ME), announce_to=ME)
        assert await ids(client, 1) == [1]


@pytest.mark.usefixtures("me")
async def test_a_query_tells_where_the_stream_is(site: Site, browser: Browser) -> None:
    await site.store(body(1, victim=ME), announce_to=ME)
    cursor = (await browser.data("{ liveCursor }"))["liveCursor"]
    await site.store(body(2, victim=ME), announce_to=ME)
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe(query=ADDED, after=cursor)
        assert await ids(client, 1) == [2]


@pytest.mark.usefixtures("me")
async def test_a_deep_backlog_is_caught_up_with_while_more_arrives(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In small reads, so that many joins are tried while others are written."""
    monkeypatch.setattr(killmail_stream, "READ_AT_ONCE", 7)
    beginning = position_cursor(0)
    numbers = list(range(1, 201))
    await store_killmails(site.pool, [raw(body(number, victim=ME)) for number in numbers])

    async def announce(part: list[int]) -> None:
        for number in part:
            await record_arrivals(site.pool, [number])
            await site.services.live.killmails_stored([number], [ME])

    await announce(numbers[:120])
    async with open_socket(browser) as follower, open_socket(browser) as client:
        await live(site, follower)
        await site.followed_by(1)  # so that the stream moves on while the other catches up
        announcing = asyncio.gather(announce(numbers[120:160]), announce(numbers[160:]))
        await client.initialise()
        await client.subscribe(query=ADDED, after=beginning)
        got = await ids(client, 200)
        await announcing
        assert got[:120] == numbers[:120]
        assert sorted(got) == numbers, "each once"
        assert await ids(follower, 80) == got[120:], "and in the same order for everyone"


@pytest.mark.usefixtures("me")
@pytest.mark.parametrize("cursor", ["nonsense", "", "AQAF5E3Y7xQAAAAAAAAAAAE", position_cursor(1) + "="])
async def test_what_is_no_cursor_of_the_stream_is_refused(browser: Browser, cursor: str) -> None:
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe(query=ADDED, after=cursor)
        message = await client.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BAD_USER_INPUT")


@pytest.mark.usefixtures("me")
async def test_a_cursor_of_the_future_begins_now(site: Site, browser: Browser) -> None:
    """Of a database that was restored from a backup, perhaps."""
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe(query=ADDED, after=position_cursor(10**12))
        await site.followed_by(1)
        await site.store(body(1, victim=ME), announce_to=ME)
        assert await ids(client, 1) == [1]


@pytest.mark.usefixtures("me")
async def test_the_filter_is_the_feeds_own(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe(query=ADDED, filter={"minAttackers": 2, "side": "VICTIM"})
        await site.followed_by(1)
        await site.store(body(1, victim=ME), announce_to=ME)
        await site.store(body(2, victim=STRANGER, attackers=(ME, STRANGER)), announce_to=ME)
        await site.store(body(3, victim=ME, attackers=(OTHER, STRANGER)), announce_to=ME)
        assert await ids(client, 1) == [3]


@pytest.mark.usefixtures("me")
async def test_imported_history_is_not_sent(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe(query=ADDED)
        await site.followed_by(1)
        await site.store(body(1, victim=ME))
        await record_arrivals(site.pool, [1], silent=True)
        await site.store(body(2, victim=ME), announce_to=ME)
        assert await ids(client, 1) == [2]


async def test_without_redis_new_killmails_come_all_the_same(
    lone_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOK_ANYWAY_SECONDS", 0.05)
    nobody = lone_settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    async with serve(nobody) as site, open_browser(site) as browser:
        await browser.sign_in(await site.add_pilot(ME))
        async with open_socket(browser) as client:
            await client.initialise()
            await client.subscribe(query=ADDED)
            await site.followed_by(1)
            await site.store(body(1, victim=ME))
            await record_arrivals(site.pool, [1])
            assert await ids(client, 1) == [1]


async def test_every_api_process_sends_everything_once(site: Site, browser: Browser, me: int) -> None:
    from sandbox.process import free_port

    other_settings = site.services.settings.model_copy(update={"port": free_port()})
    async with serve(other_settings) as other, open_browser(other) as elsewhere:
        await elsewhere.sign_in(me)
        async with open_socket(browser) as here, open_socket(elsewhere) as there:
            for client in (here, there):
                await client.initialise()
                await client.subscribe(query=ADDED)
            await site.followed_by(1)
            await other.followed_by(1)
            for number in (1, 2, 3):
                await site.store(body(number, victim=ME), announce_to=ME)
            first, second = await added(here, 3), await added(there, 3)
            assert first == second
            await elsewhere.data("mutation { endOtherSessions { ended } }")
            assert await here.closed_with() == 4401, "told by the other process"


async def test_the_client_graphql_ws_goes_on_after_a_restart(lone_settings: Settings) -> None:
    async with serve(lone_settings) as site:
        account_id = await site.add_pilot(ME)
        async with open_browser(site) as browser:
            await browser.sign_in(account_id)
            key = (await browser.data('mutation { createApiKey(name: "x", scopes: [READ]) { key } }'))["createApiKey"]
        options = {
            "url": f"{site.address.replace('http', 'ws')}/graphql",
            "query": ADDED,
            "retryAttempts": 200,
            "resume": ["killmailAdded", "liveCursor"],
            "connectionParams": {"authorization": f"Bearer {key['key']}"},
        }
        async with run_node("subscriber.mjs", options) as program:
            await program.next("connected")
            await site.followed_by(1)
            await site.store(body(1, victim=ME), announce_to=ME)
            assert (await program.next("next"))["data"]["killmailAdded"]["id"] == "1"
            # The server goes; two killmails arrive while nobody serves.
            await stop_and_go(lone_settings, site, program)


async def stop_and_go(settings: Settings, first: Site, program: Any) -> None:
    """Restart the API on the same port while the client runs."""
    first.stop()
    assert await program.next("closed") in (1012, 1001, 1006)
    await store_killmails(first.pool, [raw(body(2, victim=ME)), raw(body(3, attackers=(ME,)))])
    await record_arrivals(first.pool, [2, 3])
    await first.stopped()
    async with serve(settings) as second:
        got = [(await program.next("next"))["data"]["killmailAdded"]["id"] for _ in range(2)]
        await second.store(body(4, victim=ME), announce_to=ME)
        got.append((await program.next("next"))["data"]["killmailAdded"]["id"])
        assert got == ["2", "3", "4"]


async def test_an_event_is_rendered_once_for_all_who_may_see_the_same(
    site: Site, browser: Browser, me: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = 0
    event = Executor.event

    async def counted(*arguments: Any) -> Any:
        nonlocal rendered
        rendered += 1
        return await event(*arguments)

    monkeypatch.setattr(Executor, "event", counted)
    clients: list[SocketClient] = []
    async with open_browser(site) as phone, open_browser(site) as stranger:
        await phone.sign_in(me)
        await stranger.sign_in(await site.add_pilot(STRANGER))
        sockets = [open_socket(one) for one in (browser, browser, phone, phone, stranger)]
        for socket in sockets:
            clients.append(client := await socket.__aenter__())
            await client.initialise()
            # Cursors differ, and make no other document.
            await client.subscribe(query=ADDED, after=position_cursor(len(clients)))
            await site.followed_by(len(clients))
        await site.store(body(1, victim=ME, attackers=(STRANGER,)), announce_to=ME)
        assert [await ids(client, 1) for client in clients] == [[1]] * 5
        for socket in sockets:
            await socket.__aexit__(None, None, None)
    assert rendered == 1, "it reads alike for both accounts"


async def test_plain_ariadne_renders_for_every_socket() -> None:
    import aiohttp

    plain_ariadne.rendered.clear()
    async with serve_plain(plain()) as address, aiohttp.ClientSession() as http:
        for _ in range(3):
            async with http.ws_connect(f"{address}/graphql", protocols=["graphql-transport-ws"]) as socket:
                await socket.send_str('{"type": "connection_init"}')
                await socket.receive_json(timeout=10)
                await socket.send_str(
                    '{"type": "subscribe", "id": "1", "payload": {"query": "subscription { broken }"}}'
                )
                told = [await socket.receive_json(timeout=10) for _ in range(2)]
    assert len(plain_ariadne.rendered) == 3
    assert "password of the database" in str(told), "and tells every client why its source failed"


@pytest.mark.usefixtures("me")
async def test_a_failure_of_ours_is_not_told_and_nothing_is_lost(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise ValueError("password of the database")

    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe(query=ADDED)
        await site.followed_by(1)
        with monkeypatch.context() as fault:
            fault.setattr(site.services.compiled, "arrived", fails)
            await site.store(body(1, victim=ME), announce_to=ME)
            messages = []
            while not client.socket.closed:
                messages.append(str((await client.socket.receive(timeout=10)).extra))
        assert client.socket.close_code == 1013
        assert "password" not in str(messages)
    assert "password" in caplog.text
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe(query=ADDED, after=position_cursor(0))
        assert await ids(client, 1) == [1]
