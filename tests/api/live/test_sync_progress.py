"""`syncProgress` shows the state of the syncs as it is; sockets close with the session that opened them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from api.live.members import Member
from tests.api.live.socket_client import SocketClient, open_socket
from tests.api.running_site import Browser, Site, open_browser

ME, OTHER, STRANGER = 90_000_010, 90_000_011, 90_000_020
PROGRESS = """
subscription Progress($id: ID) { syncProgress(characterId: $id) { characterId syncStatus { state message } } }
"""


@pytest.fixture
async def me(site: Site, browser: Browser) -> int:
    account_id = await site.add_pilot(ME)
    await site.add_pilot(OTHER, account_id)
    await browser.sign_in(account_id)
    return account_id


async def state(client: SocketClient) -> tuple[int, str]:
    message = await client.receive()
    assert message["type"] == "next", message
    told: dict[str, Any] = message["payload"]["data"]["syncProgress"]
    return int(told["characterId"]), told["syncStatus"]["state"]


async def change(site: Site, character_id: int, state: str) -> None:
    await site.pool.execute("UPDATE users SET sync_state = $2 WHERE character_id = $1", character_id, state)
    await site.services.live.sync_changed(character_id)


@pytest.mark.usefixtures("me")
async def test_the_state_comes_at_once_and_whenever_it_changes(site: Site, browser: Browser) -> None:
    await site.add_pilot(STRANGER)
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe("all", PROGRESS)
        assert [await state(client), await state(client)] == [(ME, "OK"), (OTHER, "OK")]
        await change(site, STRANGER, "paused")
        await site.services.live.sync_changed(ME)  # nothing of it can be seen
        await change(site, OTHER, "paused")
        assert await state(client) == (OTHER, "PAUSED")
        await client.subscribe("one", PROGRESS, id=str(ME))
        assert await state(client) == (ME, "OK")
        await change(site, ME, "syncing")
        assert [await state(client), await state(client)] == [(ME, "SYNCING")] * 2


@pytest.mark.usefixtures("me")
async def test_who_comes_while_a_change_is_told_gets_the_state_of_all(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = site.services.live_feed.syncs
    check, checking, somebody_came = syncs._check, asyncio.Event(), asyncio.Event()

    async def checked(members: Collection[Member]) -> list[Member]:
        checking.set()
        await somebody_came.wait()
        return await check(members)

    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe("one", PROGRESS)
        assert [await state(client), await state(client)] == [(ME, "OK"), (OTHER, "OK")]
        monkeypatch.setattr(syncs, "_check", checked)
        await change(site, ME, "paused")
        await checking.wait()
        await client.subscribe("two", PROGRESS)
        async with asyncio.timeout(10):
            while len(syncs.groups.members) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        somebody_came.set()
        assert [await state(client) for _ in range(3)] == [(ME, "PAUSED"), (ME, "PAUSED"), (OTHER, "OK")]


@pytest.mark.usefixtures("me")
async def test_anothers_character_cannot_be_followed(site: Site, browser: Browser) -> None:
    await site.add_pilot(STRANGER)
    async with open_socket(browser) as client:
        await client.initialise()
        for identity in (str(STRANGER), "nonsense"):
            await client.subscribe(identity, PROGRESS, id=identity)
            assert (await client.receive())["type"] == "error"


@pytest.mark.usefixtures("me")
async def test_variables_that_do_not_fit_are_errors_of_the_operation(browser: Browser) -> None:
    async with open_socket(browser) as client:
        await client.initialise()
        await client.subscribe("1", PROGRESS, id={"no": "id"})
        message = await client.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BAD_USER_INPUT")


async def test_a_log_out_closes_its_sockets_at_once_and_no_others(site: Site, browser: Browser, me: int) -> None:
    async with open_browser(site) as phone:
        await phone.sign_in(me)
        async with open_socket(browser) as here, open_socket(browser) as idle, open_socket(phone) as there:
            for client in (here, idle, there):
                await client.initialise()
            await here.subscribe("1", PROGRESS)
            await browser.post("/auth/logout")
            assert [await here.closed_with(), await idle.closed_with()] == [4401, 4401]
            await there.settle()


@pytest.mark.usefixtures("me")
async def test_a_revoked_key_closes_its_sockets(site: Site, browser: Browser) -> None:
    made = (await browser.data('mutation { createApiKey(name: "x", scopes: [READ]) { key apiKey { id } } }'))[
        "createApiKey"
    ]
    async with (
        open_browser(site) as program,
        open_socket(program, Authorization=f"Bearer {made['key']}") as client,
    ):
        await client.initialise()
        await browser.data(f'mutation {{ revokeApiKey(id: "{made["apiKey"]["id"]}") {{ userErrors {{ code }} }} }}')
        assert await client.closed_with() == 4401


@pytest.mark.usefixtures("me")
async def test_a_session_that_ended_silently_asks_nothing_more(site: Site, browser: Browser) -> None:
    async with open_socket(browser) as client:
        await client.initialise()
        await site.pool.execute("DELETE FROM sessions")
        await client.subscribe("1", "{ me { id } }")
        assert await client.closed_with() == 4401
