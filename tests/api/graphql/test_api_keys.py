"""API keys: made and revoked by a pilot, shown once, good for what their scopes say."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from db.accounts.api_keys import MOST_KEYS
from tests.api.graphql.key_mutations import CREATE, REVOKE
from tests.api.live.socket_client import open_socket
from tests.api.running_site import Browser, Site, open_browser
from tests.db.bodies import body

ME = 90_000_010
SYNC = f'mutation {{ syncNow(characterId: "{ME}") {{ userErrors {{ code }} }} }}'


@pytest.fixture
async def me(site: Site, browser: Browser) -> int:
    account_id = await site.add_pilot(ME)
    await browser.sign_in(account_id)
    return account_id


async def make(browser: Browser, *scopes: str) -> str:
    made = (await browser.data(CREATE, name="A bot", scopes=scopes))["createApiKey"]
    assert made["userErrors"] == []
    return str(made["key"])


async def ask(site: Site, key: str, query: str, **variables: Any) -> tuple[int, dict[str, Any]]:
    """An operation by a program: no cookie, but a key."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        open_browser(site) as program,
        program.http.post(
            f"{site.address}/graphql", json={"query": query, "variables": variables}, headers=headers
        ) as response,
    ):
        return response.status, await response.json()


@pytest.mark.usefixtures("me")
async def test_a_key_reads_what_its_pilot_sees(site: Site, browser: Browser) -> None:
    await site.store(body(1, victim=ME), body(2))
    made = (await browser.data(CREATE, name="  A   bot ", scopes=["READ"]))["createApiKey"]
    key = made["key"]
    assert made["apiKey"] == {
        "id": made["apiKey"]["id"],
        "name": "A bot",
        "hint": key[:8],
        "scopes": ["READ"],
        "lastUsedAt": None,
    }
    assert len(key) == len("krk_") + 43
    _, answer = await ask(site, key, "{ killmails { nodes { id } } me { characters { id } } }")
    assert answer["data"] == {"killmails": {"nodes": [{"id": "1"}]}, "me": {"characters": [{"id": str(ME)}]}}
    (shown,) = (await browser.data("{ me { apiKeys { hint lastUsedAt } } }"))["me"]["apiKeys"]
    assert shown["lastUsedAt"] is not None
    stored = await site.pool.fetchrow("SELECT * FROM api_keys")
    assert stored is not None
    assert stored["key_hash"] == hashlib.sha256(key.encode()).digest()
    assert key not in str(dict(stored)), "the key itself is nowhere"


@pytest.mark.usefixtures("me")
async def test_a_revoked_or_mistyped_key_is_refused(site: Site, browser: Browser) -> None:
    key = await make(browser, "READ")
    (shown,) = (await browser.data("{ me { apiKeys { id } } }"))["me"]["apiKeys"]
    assert (await browser.data(REVOKE, id=shown["id"]))["revokeApiKey"] == {"apiKeys": [], "userErrors": []}
    assert (await browser.data(REVOKE, id=shown["id"]))["revokeApiKey"]["userErrors"] == [{"code": "UNKNOWN_KEY"}]
    for wrong in (key, key[:-1], "nonsense", ""):
        status, answer = await ask(site, wrong, "{ me { id } }")
        assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.usefixtures("me")
@pytest.mark.parametrize(
    ("scopes", "query", "code"),
    [
        (["READ"], SYNC, "FORBIDDEN"),
        (["SYNC"], "{ me { id } }", "FORBIDDEN"),
        (["SYNC"], SYNC, None),
        (["READ", "SYNC"], 'mutation { createApiKey(name: "x", scopes: [READ]) { key } }', "FORBIDDEN"),
        (["READ", "SYNC"], "mutation { ...F } fragment F on Mutation { deleteAccount(confirm: true) { __typename } }",
         "FORBIDDEN"),
        (["READ", "SYNC"], "mutation { exportMyData { url } }", "FORBIDDEN"),
        (["READ", "SYNC"], "mutation { endOtherSessions { ended } }", "FORBIDDEN"),
        (["READ", "SYNC"], "{ me { sessions { id } } }", "FORBIDDEN"),
        (["READ", "SYNC"], "{ me { apiKeys { id } } }", "FORBIDDEN"),
    ],
)  # fmt: skip
async def test_a_key_does_what_its_scopes_say_and_never_what_needs_a_session(
    site: Site, browser: Browser, scopes: list[str], query: str, code: str | None
) -> None:
    _, answer = await ask(site, await make(browser, *scopes), query)
    assert [error["extensions"]["code"] for error in answer.get("errors", [])] == ([code] if code else [])
    assert await site.pool.fetchval("SELECT count(*) FROM accounts") == 1


@pytest.mark.usefixtures("me")
async def test_a_cookie_beside_a_bad_key_counts_for_nothing(browser: Browser) -> None:
    answer = await browser.graphql("{ me { id } }", headers={"Authorization": "Bearer krk_wrong"})
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.usefixtures("me")
async def test_a_key_needs_no_proof_of_its_origin_and_a_cookie_does(site: Site, browser: Browser) -> None:
    elsewhere = {"Origin": "https://tool.invalid", "Sec-Fetch-Site": "cross-site"}
    key = await make(browser, "READ")
    answer = await browser.graphql("{ me { id } }", headers={**elsewhere, "Authorization": f"Bearer {key}"})
    assert answer["data"]["me"]
    assert (await browser.graphql("{ me { id } }", headers=elsewhere))["errors"]
    assert site


@pytest.mark.usefixtures("me")
@pytest.mark.parametrize("by_header", [True, False])
async def test_a_key_opens_a_socket(site: Site, browser: Browser, by_header: bool) -> None:
    said = {"Authorization": f"Bearer {await make(browser, 'READ')}"}
    async with open_browser(site) as program, open_socket(program, **(said if by_header else {})) as client:
        await client.send({"type": "connection_init", "payload": {} if by_header else said})
        assert await client.receive() == {"type": "connection_ack"}
        await client.subscribe("1", "{ me { characters { id } } }")
        assert (await client.receive())["payload"]["data"]["me"] == {"characters": [{"id": str(ME)}]}
        await client.receive()
        await client.subscribe("2", SYNC)
        assert (await client.receive())["payload"][0]["extensions"]["code"] == "FORBIDDEN"
    async with open_browser(site) as program, open_socket(program) as client:
        await client.send({"type": "connection_init", "payload": {"Authorization": "Bearer krk_wrong"}})
        assert await client.closed_with() == 4401


async def test_an_account_has_so_many_keys_and_each_has_a_name_and_a_scope(browser: Browser, me: int) -> None:
    for name, scopes, code in (
        ("", ["READ"], "NAME_INVALID"),
        ("x" * 61, ["READ"], "NAME_INVALID"),
        ("x", [], "SCOPES_MISSING"),
    ):
        refused = (await browser.data(CREATE, name=name, scopes=scopes))["createApiKey"]
        assert refused == {"key": None, "apiKey": None, "userErrors": [{"code": code}]}
    for _ in range(MOST_KEYS):
        await make(browser, "READ")
    assert (await browser.data(CREATE, name="x", scopes=["READ"]))["createApiKey"]["userErrors"] == [
        {"code": "TOO_MANY_KEYS"}
    ]
    assert me


@pytest.mark.usefixtures("me")
async def test_the_settings_page_shows_a_key_once_and_revokes_it(site: Site, browser: Browser) -> None:
    form = {"order": "create", "name": "Tést <bot>", "read": "yes"}
    status, page = await browser.post("/settings/api-keys", form)
    assert status == 201
    key = page.partition('<code class="secret">')[2].partition("<")[0]
    assert (await ask(site, key, "{ me { characters { id } } }"))[1]["data"]["me"]
    _, page = await browser.get("/settings")
    assert key not in page
    assert key[:8] in page
    assert "Tést &lt;bot&gt;" in page
    assert (await browser.post("/settings/api-keys", {**form, "name": " "}))[0] == 409
    key_id = await site.pool.fetchval("SELECT api_key_id FROM api_keys")
    await browser.post("/settings/api-keys", {"order": "revoke", "api_key_id": str(key_id)})
    assert await site.pool.fetchval("SELECT count(*) FROM api_keys") == 0
