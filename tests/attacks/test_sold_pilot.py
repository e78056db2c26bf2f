"""A pilot who has another owner in EVE: who had it sees that it is gone, and from then on nothing of what is its.

The buyer has not come here: all we know is what EVE's login service said when the grant was renewed.
"""

from __future__ import annotations

import orjson
import pytest

from contracts.sync import SyncState
from db.accounts.tokens import TokenState, load_token, withdraw
from tests.api.live.socket_client import SocketClient, open_socket
from tests.api.live.subscribing import live
from tests.api.running_site import Browser, Site, open_browser
from tests.db.bodies import body

OF_SOLD, OF_KEPT, AFTERWARDS, LAST = 811_111_111, 822_222_222, 833_333_333, 844_444_444
HUNTER = 91_000_009
LISTS = f"""{{ killmail(id: "{OF_SOLD}") {{ id }}
  mine: killmails {{ nodes {{ id }} totalCount }}
  visible: killmails(filter: {{scope: VISIBLE}}) {{ nodes {{ id }} }}
  me {{ characters {{ id syncStatus {{ state }} killmails {{ nodes {{ id }} totalCount }}
    killmailAccount {{ total }} }} }} }}"""


async def sell(site: Site, character_id: int, state: TokenState = TokenState.OWNER_CHANGED) -> None:
    """What the worker does when EVE's login service names another owner."""
    token = await load_token(site.pool, character_id)
    assert token is not None
    shown = SyncState.OWNER_CHANGED if state is TokenState.OWNER_CHANGED else SyncState.NEEDS_LOGIN
    account_id = await withdraw(site.pool, character_id, token.version, state, shown)
    assert account_id is not None
    await site.services.live.access_changed(account_id)
    await site.services.live.sync_changed(character_id)


async def next_of(client: SocketClient) -> str:
    message = await client.receive()
    assert message["type"] == "next", message
    return orjson.dumps(message["payload"]["data"]).decode()


@pytest.mark.parametrize("has_another", [True, False], ids=["one of two", "the only one"])
async def test_whoever_sold_a_pilot_sees_its_killmails_no_more(shared_site: Site, has_another: bool) -> None:
    site, sold = shared_site, 90_000_301 if has_another else 90_000_311
    kept = sold + 1
    account_id = await site.add_pilot(sold, name="The Sold")
    if has_another:
        await site.add_pilot(kept, account_id, name="The Kept")
    shift = 0 if has_another else 1
    first, after, last = OF_SOLD + shift, AFTERWARDS + shift, LAST + shift
    await site.store(body(first, victim=sold, attackers=(HUNTER,)), announce_to=sold)
    async with open_browser(site) as browser:
        await browser.sign_in(account_id)
        question = LISTS.replace(str(OF_SOLD), str(first))
        assert str(first) in orjson.dumps((await browser.data(question))["visible"]).decode()

        await sell(site, sold)
        await site.store(body(after, victim=sold, attackers=(HUNTER,)), announce_to=sold)
        told = await browser.data(question)
        assert told["killmail"] is None
        assert told["mine"] == {"nodes": [], "totalCount": 0}
        assert told["visible"] == {"nodes": []}
        nothing = {"killmails": {"nodes": [], "totalCount": 0}, "killmailAccount": {"total": 0}}
        assert told["me"]["characters"][0] == {
            "id": str(sold), "syncStatus": {"state": "OWNER_CHANGED"}, **nothing
        }  # fmt: skip
        for path in (
            "/", f"/?character={sold}", "/settings", "/battles", f"/killmails/{first}",
            f"/characters/{sold}?days=all", "/settings/export", "/export/killmails.ndjson",
            f"/settings/preview?kind=character&id={sold}&visibility=public", "/settings/webhooks", "/reimbursements",
        ):  # fmt: skip
            status, page = await browser.get(path)
            assert status in (200, 404), path
            assert f'"killmail_id":{first}' not in page, path
            assert f"/killmails/{first}" not in page.replace(f'value="/killmails/{first}"', ""), path
            assert str(after) not in page, path
        await _pages_say_so(browser, sold)
        if has_another:
            await site.store(body(last, victim=kept, attackers=(sold,)), announce_to=kept)
            assert (await browser.data(question))["visible"] == {"nodes": [{"id": str(last)}]}, "that is their own"
            status, _ = await browser.post("/settings/characters", {"character_id": str(sold), "order": "remove"})
            assert status == 200
            assert await load_token(site.pool, sold) is None
        else:
            _, page = await browser.post("/settings/delete", {"confirm": "yes"})
            assert await site.pool.fetchval("SELECT count(*) FROM users WHERE account_id = $1", account_id) == 0, page


async def _pages_say_so(browser: Browser, sold: int) -> None:
    for path in ("/", "/settings"):
        status, page = await browser.get(path)
        assert status == 200
        assert "The Sold" in page
        assert "moved to another EVE account" in page
        assert "you no longer see its killmails" in page
    _, page = await browser.get("/settings")
    assert f'id="board-{sold}"' not in page


async def test_nothing_new_of_a_sold_pilot_comes_over_an_open_socket(shared_site: Site) -> None:
    site, sold = shared_site, 90_000_321
    account_id = await site.add_pilot(sold)
    await site.add_pilot(sold + 1, account_id)
    async with open_browser(site) as browser:
        await browser.sign_in(account_id)
        async with open_socket(browser) as socket, open_socket(browser) as syncs:
            await live(site, socket, filter={"scope": "VISIBLE"})
            await syncs.initialise()
            await syncs.subscribe(
                query=f'subscription {{ syncProgress(characterId: "{sold}") {{ syncStatus {{ state }} }} }}'
            )
            assert '"OK"' in await next_of(syncs)
            await sell(site, sold)
            assert "OWNER_CHANGED" in await next_of(syncs), "that it is gone is told to who had it"
            await site.store(body(855_555_551, victim=sold, attackers=(HUNTER,)), announce_to=sold)
            await site.store(body(855_555_552, victim=sold + 1, attackers=(HUNTER,)), announce_to=sold + 1)
            assert "855555552" in await next_of(socket)


@pytest.mark.parametrize("state", [TokenState.REVOKED, TokenState.LOST, TokenState.UNREADABLE])
async def test_whose_grant_ended_in_another_way_keeps_what_was_fetched(shared_site: Site, state: TokenState) -> None:
    number = [*TokenState].index(state)
    pilot, killmail_id = 90_000_330 + number, 866_666_660 + number
    account_id = await shared_site.add_pilot(pilot)
    await shared_site.store(body(killmail_id, victim=pilot), announce_to=pilot)
    async with open_browser(shared_site) as browser:
        await browser.sign_in(account_id)
        await sell(shared_site, pilot, state)
        assert (await browser.data(f'{{ killmail(id: "{killmail_id}") {{ id }} }}'))["killmail"] is not None
