"""What a pilot decides about their account: sessions ended, data taken along, characters and accounts that leave."""

from __future__ import annotations

import json

import pytest

from api.login.client_names import client_name
from db.accounts.departures import delete_account, departures_of
from tests.api.running_site import Browser, Site, open_browser
from tests.db.bodies import body

ME, ALT, STRANGER = 90_000_010, 90_000_011, 90_000_020
SESSIONS = "{ me { sessions { id client current } } }"
DELETE = "mutation Delete($confirm: Boolean!) { deleteAccount(confirm: $confirm) { userErrors { code } } }"
REMOVE = "mutation Remove($id: ID!) { removeCharacter(characterId: $id) { userErrors { code } } }"
OF_ACCOUNT = (
    "accounts", "users", "sessions", "api_keys", "sync_runs", "killmail_lists", "login_events", "login_attempts",
    "visibility_changes",
)  # fmt: skip


@pytest.fixture
async def me(site: Site, browser: Browser) -> int:
    """Signed in, with two characters."""
    account_id = await site.add_pilot(ME, name="Ada Lovelace")
    await site.add_pilot(ALT, account_id, name="Grace Hopper")
    await browser.sign_in(account_id, "Firefox on Linux")
    return account_id


async def test_sessions_are_listed_and_ended(site: Site, browser: Browser, me: int) -> None:
    async with open_browser(site) as phone, open_browser(site) as desk:
        await phone.sign_in(me, "Chrome on Android")
        await desk.sign_in(me)
        listed = (await browser.data(SESSIONS))["me"]["sessions"]
        assert [(one["client"], one["current"]) for one in listed] == [
            ("", False),
            ("Chrome on Android", False),
            ("Firefox on Linux", True),
        ]
        end = "mutation End($id: ID!) { endSession(id: $id) { ended userErrors { code } } }"
        assert (await browser.data(end, id=listed[1]["id"]))["endSession"] == {"ended": 1, "userErrors": []}
        again = (await browser.data(end, id=listed[1]["id"]))["endSession"]
        assert again == {"ended": 0, "userErrors": [{"code": "UNKNOWN_SESSION"}]}
        assert (await phone.data("{ me { id } }"))["me"] is None
        assert (await desk.data("{ me { id } }"))["me"] is not None
        ended = await browser.data("mutation { endOtherSessions { ended userErrors { code } } }")
        assert ended["endOtherSessions"] == {"ended": 1, "userErrors": []}
        assert (await desk.data("{ me { id } }"))["me"] is None
    assert len((await browser.data(SESSIONS))["me"]["sessions"]) == 1


async def test_the_settings_page_ends_sessions(site: Site, browser: Browser, me: int) -> None:
    async with open_browser(site) as phone:
        await phone.sign_in(me, "Chrome on Android")
        _, page = await browser.get("/settings")
        assert "Chrome on Android" in page
        assert "Firefox on Linux (this browser)" in page
        foreign = {"Origin": "https://evil.invalid"}
        assert (await browser.post("/settings/sessions", {"order": "end_others"}, foreign))[0] == 403
        await browser.post("/settings/sessions", {"order": "end_others"})
        assert (await phone.data("{ me { id } }"))["me"] is None


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("", "An unknown browser"),
    ],
)
def test_a_session_is_called_by_family_and_system(user_agent: str, name: str) -> None:
    assert client_name(user_agent) == name


@pytest.mark.usefixtures("me")
async def test_the_export_holds_everything_but_secrets(site: Site, browser: Browser) -> None:
    await site.pool.execute("UPDATE users SET access_token = '\\x0102', refresh_token = '\\x0304'")
    await site.pool.execute("INSERT INTO login_events (outcome, character_id) VALUES ('logged_in', $1)", ME)
    await browser.data('mutation { createApiKey(name: "A bot", scopes: [READ]) { key } }')
    await site.store(*(body(number, victim=ME) for number in range(1, 451)))
    await site.store(body(1000, victim=STRANGER), body(1001, victim=STRANGER, attackers=(ALT,)))
    await browser.post("/settings/visibility", {"kind": "character", "id": str(ALT), "visibility": "public"})
    url = (await browser.data("mutation { exportMyData { url } }"))["exportMyData"]["url"]
    async with browser.http.get(url) as response:
        assert "attachment" in response.headers["Content-Disposition"]
        text = await response.text()
    things = [json.loads(line) for line in text.splitlines()]
    kinds = {thing["kind"] for thing in things}
    assert {"account", "character", "session", "api_key", "login", "killmail"} <= kinds
    killmails = [thing["killmail"]["killmail_id"] for thing in things if thing["kind"] == "killmail"]
    assert sorted(killmails) == [*range(1, 451), 1001]
    characters = [(thing["name"], thing["visibility"]) for thing in things if thing["kind"] == "character"]
    assert characters == [("Ada Lovelace", "private"), ("Grace Hopper", "public")]
    opened = [
        (thing["board_id"], thing["from"], thing["to"]) for thing in things if thing["kind"] == "visibility_change"
    ]
    assert opened == [(ALT, "private", "public")]
    secrets = {"access_token", "refresh_token", "session_hash", "key_hash", "killmail_hash"}
    assert secrets.isdisjoint({name for thing in things for name in thing})
    async with open_browser(site) as stranger:
        assert (await stranger.get("/settings/export"))[0] == 401


async def test_a_deleted_account_leaves_nothing_but_killmails(site: Site, browser: Browser, me: int) -> None:
    other = await site.add_pilot(STRANGER)
    await site.store(body(1, victim=ME, attackers=(STRANGER,)))
    await site.pool.execute("UPDATE users SET refresh_token = $1", site.services.vault.encrypt("of EVE"))
    await site.pool.execute("INSERT INTO login_events (outcome, character_id) VALUES ('logged_in', $1)", ME)
    await site.pool.execute(
        "INSERT INTO sync_runs (character_id, kind, listed, killmail_ids, new) VALUES ($1, 'first', 0, '{}', 0)", ME
    )
    await browser.data('mutation { createApiKey(name: "A bot", scopes: [READ]) { key } }')
    await browser.post("/settings/visibility", {"kind": "character", "id": str(ALT), "visibility": "public"})
    assert (await browser.data(DELETE, confirm=False))["deleteAccount"]["userErrors"] == [{"code": "NOT_CONFIRMED"}]
    assert (await browser.data(DELETE, confirm=True))["deleteAccount"]["userErrors"] == []
    assert (await browser.data("{ me { id } }"))["me"] is None
    left = {table: await site.pool.fetchval(f"SELECT count(*) FROM {table}") for table in OF_ACCOUNT}  # noqa: S608
    assert left == dict.fromkeys(OF_ACCOUNT, 0) | {"accounts": 1, "users": 1}
    for character_id in (ME, ALT):
        (departure,) = await departures_of(site.pool, character_id)
        assert departure.refresh_token is not None
        assert site.services.vault.decrypt(departure.refresh_token) == "of EVE"
    assert await delete_account(site.pool, me) == [], "a second time is no harm"
    await browser.sign_in(other)
    assert (await browser.data("{ killmails { nodes { id } } }"))["killmails"]["nodes"] == [{"id": "1"}]


@pytest.mark.usefixtures("me")
async def test_an_account_is_deleted_from_the_settings(site: Site, browser: Browser) -> None:
    assert (await browser.post("/settings/delete", {}))[0] == 409
    status, page = await browser.post("/settings/delete", {"confirm": "yes"})
    assert (status, "Your account has been deleted" in page) == (200, True)
    assert await site.pool.fetchval("SELECT count(*) FROM users") == 0
    assert "Log in" in (await browser.get("/"))[1]


@pytest.mark.usefixtures("me")
async def test_a_character_is_removed_and_the_last_one_is_not(site: Site, browser: Browser) -> None:
    assert (await browser.data(REMOVE, id=str(STRANGER)))["removeCharacter"]["userErrors"] == [
        {"code": "NOT_YOUR_CHARACTER"}
    ]
    assert (await browser.data(REMOVE, id=str(ALT)))["removeCharacter"]["userErrors"] == []
    assert (await browser.data("{ me { characters { id } } }"))["me"]["characters"] == [{"id": str(ME)}]
    assert (await browser.data(REMOVE, id=str(ME)))["removeCharacter"]["userErrors"] == [{"code": "LAST_CHARACTER"}]
    assert len(await departures_of(site.pool, ALT)) == 1
    assert (await browser.post("/settings/characters", {"order": "remove", "character_id": str(ME)}))[0] == 409
