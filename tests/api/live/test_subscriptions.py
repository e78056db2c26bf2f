"""New killmails reach the sockets of those who may see them, and a socket that misbehaves is closed for a reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from starlette.websockets import WebSocket

from api.graphql import websocket as handler
from api.live import sockets
from db.accounts.sessions import end_session
from db.killmails.filter import KillmailFilter, Viewer
from live import LiveEvents
from tests.api.live.socket_client import SocketClient, open_socket
from tests.api.live.subscribing import ME, OTHER, STRANGER, live
from tests.api.running_site import Browser, Site, open_browser
from tests.db.bodies import body

INIT = '{"type": "connection_init"}'


@pytest.fixture
async def me(site: Site, browser: Browser) -> int:
    account_id = await site.add_pilot(ME)
    await site.add_pilot(OTHER, account_id)
    await browser.sign_in(account_id)
    return account_id


async def next_id(client: SocketClient) -> str:
    message = await client.receive()
    assert message["type"] == "next", message
    return str(message["payload"]["data"]["killmailAdded"]["id"])


@pytest.mark.usefixtures("me")
async def test_a_new_killmail_arrives_at_every_socket_once(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as first, open_socket(browser) as second:
        await live(site, first)
        await live(site, second)
        await site.store(body(1, victim=ME), announce_to=ME)
        await LiveEvents(site.services.redis).killmails_stored([1], [ME])  # events come at least once
        await site.store(body(2, attackers=(OTHER,)), announce_to=OTHER)
        for client in (first, second):
            assert await next_id(client) == "1"
            assert await next_id(client) == "2"


@pytest.mark.usefixtures("me")
async def test_anothers_killmail_does_not_arrive(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client:
        await live(site, client)
        await site.store(body(1, victim=STRANGER), announce_to=STRANGER)
        await site.store(body(2, victim=STRANGER), announce_to=ME)  # even if an event says so
        await site.store(body(3, victim=ME), announce_to=ME)
        assert await next_id(client) == "3"


RELATED = "subscription { killmailAdded { id relatedKillmail { id } } }"


@pytest.mark.usefixtures("me")
async def test_what_reads_alike_is_read_once_and_each_is_told_their_own(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ship and its pod: the pilot is told of both, whoever shot the pod alone is not told of the ship."""
    reads: list[int] = []
    arrived = site.services.compiled.arrived

    async def counted(field: Any, viewer: Viewer, live_cursors: Mapping[int, str], chosen: KillmailFilter) -> Any:
        reads.append(len(live_cursors))
        return await arrived(field, viewer, live_cursors, chosen)

    monkeypatch.setattr(site.services.compiled, "arrived", counted)
    async with open_browser(site) as other:
        await other.sign_in(await site.add_pilot(STRANGER))
        async with open_socket(browser) as mine, open_socket(other) as theirs:
            await live(site, mine)
            await live(site, theirs)
            await site.store(body(1, victim=ME, attackers=(STRANGER,)), announce_to=ME)
            assert [await next_id(mine), await next_id(theirs)] == ["1", "1"]
            assert len(reads) == 1, "once for both"
            await site.store(body(2, victim=ME), body(3, victim=ME, attackers=(STRANGER,)), announce_to=ME)
            assert [await next_id(mine), await next_id(mine), await next_id(theirs)] == ["2", "3", "3"]
        async with open_socket(browser) as mine, open_socket(other) as theirs:
            for client in (mine, theirs):
                await live(site, client, query=RELATED)
            ship = {**body(4, victim=ME), "killmail_time": "2026-01-05T12:00:00Z"}
            await site.store(ship, announce_to=ME)
            assert await next_id(mine) == "4"
            pod = {**body(5, victim=ME, attackers=(STRANGER,)), "killmail_time": "2026-01-05T12:00:30Z"}
            await site.store({**pod, "victim": {**pod["victim"], "ship_type_id": 670}}, announce_to=ME)
            told = [(await client.receive())["payload"]["data"]["killmailAdded"] for client in (mine, theirs)]
    assert [one["id"] for one in told] == ["5", "5"]
    assert told[0]["relatedKillmail"] == {"id": "4"}
    assert told[1]["relatedKillmail"] is None


@pytest.mark.usefixtures("me")
async def test_a_subscription_is_filtered(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client:
        await live(site, client, filter={"characterId": str(ME), "side": "VICTIM"})
        await site.store(body(1, victim=OTHER), announce_to=OTHER)
        await site.store(body(2, victim=OTHER, attackers=(ME,)), announce_to=ME)
        await site.store(body(3, victim=ME, attackers=(OTHER,)), announce_to=ME)
        assert await next_id(client) == "3"


@pytest.mark.usefixtures("me")
async def test_a_filter_by_a_foreign_character_narrows(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client:
        await live(site, client, filter={"characterId": str(STRANGER)})
        await site.store(body(1, victim=ME), announce_to=ME)
        await site.store(body(2, victim=STRANGER), announce_to=ME)
        await site.store(body(3, victim=STRANGER, attackers=(ME,)), announce_to=ME)
        assert await next_id(client) == "3"


@pytest.mark.usefixtures("me")
async def test_a_completed_subscription_is_silent_and_its_id_free_again(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client:
        await live(site, client)
        await client.send({"type": "complete", "id": "1"})
        await client.settle()
        await site.followed_by(0)
        await site.store(body(1, victim=ME), announce_to=ME)
        await client.subscribe("1")
        await client.settle()
        await site.followed_by(1)
        await site.store(body(2, victim=ME), announce_to=ME)
        assert await next_id(client) == "2"


@pytest.mark.usefixtures("me")
async def test_a_slow_query_does_not_hold_up_the_socket(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client, site.pool.acquire() as connection:
        await client.initialise()
        async with connection.transaction():
            await connection.execute("LOCK TABLE killmails")
            await client.subscribe("slow", "{ killmails { nodes { id } } }")
            await client.subscribe("quick", "{ __typename }")
            assert (await client.receive())["payload"]["data"] == {"__typename": "Query"}
            assert await client.receive() == {"type": "complete", "id": "quick"}
            await client.settle()
        assert (await client.receive())["id"] == "slow"


@pytest.mark.usefixtures("me")
async def test_invalid_documents_are_errors_of_their_operation(browser: Browser) -> None:
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe("a", "subscription { nothing }")
        message = await client.receive()
        assert (message["type"], message["id"]) == ("error", "a")
        await client.settle()


@pytest.mark.usefixtures("me")
async def test_a_logged_out_session_closes_its_sockets(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client:
        await live(site, client)
        (cookie,) = browser.http.cookie_jar
        await end_session(site.pool, cookie.value)
        await site.store(body(1, victim=ME), announce_to=ME)
        assert await client.closed_with() == 4401


@pytest.mark.usefixtures("me")
async def test_a_reader_too_far_behind_is_told_to_come_again(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "WAITING_FRAMES", 3)
    send_text = WebSocket.send_text

    async def send_text_to_nobody(websocket: WebSocket, data: str) -> None:
        """The other end takes no killmails."""
        await (asyncio.get_running_loop().create_future() if '"next"' in data else send_text(websocket, data))

    monkeypatch.setattr(WebSocket, "send_text", send_text_to_nobody)
    async with open_socket(browser) as client:
        await live(site, client)
        for number in range(1, 7):
            await site.store(body(number, victim=ME), announce_to=ME)
        assert await client.closed_with() == 1013


@pytest.mark.usefixtures("me")
@pytest.mark.parametrize("origin", ["https://evil.invalid", "null"])
async def test_sockets_of_other_sites_are_refused(browser: Browser, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with open_socket(browser, Origin=origin):
            pass
    assert refused.value.status == 403


@pytest.mark.usefixtures("me")
async def test_our_own_page_may_connect(site: Site, browser: Browser) -> None:
    async with open_socket(browser, Origin=site.address) as client:
        await client.initialise()


def subscribe_frame(identity: int) -> str:
    payload = {"query": "subscription { killmailAdded { id } }"}
    return json.dumps({"type": "subscribe", "id": str(identity), "payload": payload})


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["not json"], 4400),
        (["[]"], 4400),
        (['{"no": "type"}'], 4400),
        (['{"type": "unheard of"}'], 4400),
        ([b"\x00"], 4400),
        (['{"type": "ping", "payload": "' + "x" * 70_000 + '"}'], 4400),
        ([subscribe_frame(1)], 4401),
        ([INIT, INIT], 4429),
        ([INIT, '{"type": "subscribe", "id": "1"}'], 4400),
        ([INIT, '{"type": "subscribe", "payload": {"query": "{ me { id } }"}}'], 4400),
        ([INIT, subscribe_frame(1), subscribe_frame(1)], 4409),
        ([INIT, *(subscribe_frame(number) for number in range(handler.MAX_OPERATIONS + 1))], 4403),
    ],
)
async def test_a_socket_that_breaks_the_protocol_is_closed_with_its_code(
    shared_site: Site, visitor: Browser, messages: list[str | bytes], code: int
) -> None:
    account_id = await shared_site.pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", ME)
    await visitor.sign_in(account_id or await shared_site.add_pilot(ME))
    async with open_socket(visitor) as client:
        for message in messages:
            await (client.socket.send_bytes(message) if isinstance(message, bytes) else client.socket.send_str(message))
        assert await client.closed_with() == code


@pytest.mark.usefixtures("me")
async def test_another_subprotocol_is_not_acceptable(browser: Browser) -> None:
    async with open_socket(browser, "graphql-ws") as client:
        assert await client.closed_with() == 4406


@pytest.mark.usefixtures("me")
async def test_a_silent_socket_is_closed(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "INIT_SECONDS", 0.05)
    async with open_socket(browser) as client:
        assert await client.closed_with() == 4408


@pytest.mark.usefixtures("me")
async def test_an_account_has_so_many_sockets_and_closed_ones_do_not_count(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MAX_SOCKETS", 1)
    async with open_socket(browser) as first:
        await first.initialise()
        async with open_socket(browser) as second:
            await second.send({"type": "connection_init"})
            assert await second.closed_with() == 4429
    async with asyncio.timeout(10):
        while len(site.services.live_feed.sockets):  # noqa: ASYNC110 - the application's own state
            await asyncio.sleep(0.01)
    async with open_socket(browser) as third:
        await third.initialise()


async def test_nothing_is_left_of_a_closed_socket(site: Site, me: int) -> None:
    before = len(asyncio.all_tasks())
    async with open_browser(site) as another:
        await another.sign_in(me)
        for _ in range(5):
            async with open_socket(another) as client:
                await client.initialise()
                await client.subscribe()
                await client.settle()
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110 - the loop's own state
            await asyncio.sleep(0.01)
