"""A pilot orders imports, and adds single killmails, over GraphQL and on the settings page without script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from contracts.webhooks import webhook_id_of
from db.killmails.filter import EVERYTHING
from db.webhooks.hooks import NewWebhook, create_webhook
from db.webhooks.subjects import Subject
from sandbox.eve.server import SandboxEve
from sandbox.installation import eventually
from sandbox.process import free_port
from settings import Settings
from tests.api.running_site import Browser, Site, open_browser, serve
from tests.api.site.document import Document
from tests.stored import on_zkillboard, stored

IMPORT = """
  characterId state message progress { done total } estimate { killmails new pages atLeast }
  account { listed new stored pending failed failures { reason count } unusable cutOff }
"""
ASK = f"query Ask($id: ID!) {{ zkillboardImport(characterId: $id) {{ {IMPORT} }} }}"
ADD = (
    "mutation Add($link: String!) { addKillmail(link: $link) { killmail { id } wasHere userErrors { code message } } }"
)


def order(name: str) -> str:
    mutation = f"{name}ZkillboardImport"
    return (
        f"mutation Order($id: ID!) {{ {mutation}(characterId: $id) {{ import {{ {IMPORT} }} userErrors {{ code }} }} }}"
    )


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    async with serve(settings.model_copy(update={"port": free_port()})) as running:
        yield running


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with open_browser(site) as opened:
        yield opened


async def until_state(browser: Browser, character_id: int, state: str) -> dict[str, Any]:
    async def found() -> dict[str, Any] | None:
        shown = (await browser.data(ASK, id=str(character_id)))["zkillboardImport"]
        return shown if shown and shown["state"] == state else None

    answer: dict[str, Any] = await eventually(found, f"an import that is {state}")
    return answer


@pytest.mark.usefixtures("worker")
async def test_an_import_over_graphql(site: Site, browser: Browser, eve: SandboxEve, pool: asyncpg.Pool) -> None:
    pilot = eve.pilots[1].character_id
    expected = await on_zkillboard(eve, pilot)
    for name in ("estimate", "start", "cancel"):
        answer = (await browser.data(order(name), id=str(pilot)))[f"{name}ZkillboardImport"]
        assert answer == {"import": None, "userErrors": [{"code": "UNAUTHENTICATED"}]}
    assert await browser.data(ASK, id=str(pilot)) == {"zkillboardImport": None}
    await browser.sign_in(await site.add_pilot(pilot))
    assert await browser.data(ASK, id=str(pilot)) == {"zkillboardImport": None}
    foreign = await browser.data(order("start"), id=str(eve.pilots[2].character_id))
    assert foreign["startZkillboardImport"]["userErrors"] == [{"code": "NOT_YOUR_CHARACTER"}]
    assert (await browser.graphql(ASK, id="1"))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    nothing = await browser.data(order("cancel"), id=str(pilot))
    assert nothing["cancelZkillboardImport"]["userErrors"] == [{"code": "NOT_RUNNING"}]

    begun = await browser.data(order("estimate"), id=str(pilot))
    assert begun["estimateZkillboardImport"]["import"]["state"] in ("ESTIMATING", "ESTIMATED")
    estimated = await until_state(browser, pilot, "ESTIMATED")
    assert estimated["estimate"] == {
        "killmails": len(expected),
        "new": len(expected),
        "pages": -(-len(expected) // 200),
        "atLeast": False,
    }
    assert await stored(pool) == set()
    started = await browser.data(order("start"), id=str(pilot))
    assert started["startZkillboardImport"]["userErrors"] == []
    done = await until_state(browser, pilot, "DONE")
    assert done["account"] == {
        "listed": len(expected),
        "new": len(expected),
        "stored": len(expected),
        "pending": 0,
        "failed": 0,
        "failures": [],
        "unusable": 0,
        "cutOff": False,
    }
    assert await stored(pool) == expected

    await browser.data(order("estimate"), id=str(pilot))
    assert (await until_state(browser, pilot, "ESTIMATED"))["estimate"]["new"] == 0
    cancelled = await browser.data(order("cancel"), id=str(pilot))
    assert cancelled["cancelZkillboardImport"]["userErrors"] == []
    assert (await until_state(browser, pilot, "CANCELLED"))["message"] == "Cancelled; nothing was imported."


@pytest.mark.usefixtures("worker")
async def test_the_same_on_the_page(site: Site, browser: Browser, eve: SandboxEve, pool: asyncpg.Pool) -> None:
    pilot = eve.pilots[1].character_id
    await browser.sign_in(await site.add_pilot(pilot, name="Ada <Lovelace>"))
    form = {"character_id": str(pilot), "order": "estimate"}
    assert (await browser.post("/settings/zkillboard", form, headers={"Origin": "https://evil.invalid"}))[0] == 403
    assert (await browser.post("/settings/zkillboard", form | {"order": "nonsense"}))[0] == 400
    assert (await browser.post("/settings/zkillboard", form | {"character_id": "1"}))[0] == 409
    status, page = await browser.post("/settings/zkillboard", form)
    assert status == 200
    Document(page)

    async def says(words: str) -> str:
        async def shown() -> str | None:
            _, page = await browser.get("/settings")
            return page if words in page else None

        found: str = await eventually(shown, f"a page that says {words!r}")
        return found

    page = await says("not here yet")
    assert 'value="start"' in page
    assert "Not now" in page
    await browser.post("/settings/zkillboard", form | {"order": "start"})
    page = await says("Imported ")
    assert "Import again" in page
    assert await stored(pool) == await on_zkillboard(eve, pilot)
    status, fragment = await browser.get("/fragments/imports")
    assert (status, fragment[:21]) == (200, '<section id="imports"')
    assert 'data-changing="no"' in fragment
    _, feed = await browser.get("/")
    assert "killmail-" in feed


@pytest.mark.usefixtures("worker")
async def test_a_killmail_is_added_by_its_link(
    site: Site, browser: Browser, eve: SandboxEve, pool: asyncpg.Pool
) -> None:
    pilot, other = eve.pilots[0].character_id, eve.pilots[3].character_id
    mine, also_mine, *_ = eve.references(pilot)
    theirs = await on_zkillboard(eve, pilot)
    foreign = next(one for one in eve.references(other) if one.killmail_id not in theirs)
    esi = f"{eve.url}/latest/killmails/{mine.killmail_id}/{mine.killmail_hash}/?datasource=tranquility"
    secret_parts: list[str] = []

    async def add(link: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await browser.data(ADD, link=link))["addKillmail"]
        secret_parts.append(str(answer))
        return answer

    def code(answer: dict[str, Any]) -> str:
        assert answer["killmail"] is None
        return str(answer["userErrors"][0]["code"])

    assert code(await add(esi)) == "UNAUTHENTICATED"
    await browser.sign_in(await site.add_pilot(pilot))
    assert code(await add("https://zkillboard.com/character/1/")) == "NOT_A_KILLMAIL_LINK"
    wrong = f"{eve.url}/killmails/{mine.killmail_id}/{'0' * 40}/"
    assert code(await add(wrong)) == "WRONG_HASH"
    assert code(await add(f"{eve.url}/kill/999999999/")) == "UNKNOWN_KILLMAIL"
    assert code(await add(f"{eve.url}/killmails/{foreign.killmail_id}/{foreign.killmail_hash}/")) == "NOT_YOUR_KILLMAIL"
    assert code(await add(f"{eve.url}/kill/{foreign.killmail_id}/")) == "NOT_YOUR_KILLMAIL"
    assert await stored(pool) == set()
    assert await pool.fetchval("SELECT count(*) FROM killmail_refs") == 0, "a wrong hash must not stand in the way"

    boards = await add("https://eve-kill.com/kill/135000001")  # `cases/game_links.json`
    assert code(boards) == "NOT_A_KILLMAIL_LINK"
    assert "it should look like https://zkillboard.com/kill/" in boards["userErrors"][0]["message"]
    from_the_game = f"killReport:{mine.killmail_id}:{mine.killmail_hash}"
    assert await add(from_the_game) == {"killmail": {"id": str(mine.killmail_id)}, "wasHere": False, "userErrors": []}
    await pool.execute("DELETE FROM killmails; DELETE FROM killmail_refs")
    assert await add(esi) == {"killmail": {"id": str(mine.killmail_id)}, "wasHere": False, "userErrors": []}
    assert (await add(esi))["wasHere"]
    assert code(await add(wrong)) == "WRONG_HASH"
    assert (await add(f"{eve.url}/kill/{also_mine.killmail_id}/"))["killmail"] == {"id": str(also_mine.killmail_id)}
    assert await stored(pool) == {mine.killmail_id, also_mine.killmail_id}
    assert not await pool.fetchval("SELECT count(*) FROM killmail_refs WHERE stored_at IS NULL")
    assert not await pool.fetchval("SELECT count(*) FROM killmails WHERE solo IS NULL")

    async def named() -> bool:
        return bool(
            await pool.fetchval(
                "SELECT bool_and(name IS NOT NULL) FROM participants LEFT JOIN entities ON entity_id = character_id"
                " WHERE character_id IS NOT NULL"
            )
        )

    await eventually(named, "names for whoever is on them")

    account = await pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", pilot)
    new = NewWebhook(Subject.CHARACTER, pilot, "x", EVERYTHING, "https://example.com/x", "example.com")
    hook = await create_webhook(pool, site.services.vault, account, new, "whsec_c2VjcmV0", ())
    news = eve.add_killmail(pilot)
    assert await add(f"killReport:{news.killmail_id}:{news.killmail_hash}")
    handle = site.services.temporal.get_workflow_handle(webhook_id_of(hook))
    assert (await handle.describe()).id == webhook_id_of(hook), "it was woken at once"

    status, page = await browser.post("/settings/killmail", {"link": f"{eve.url}/kill/{mine.killmail_id}/"})
    assert (status, f"zkillboard.com/kill/{mine.killmail_id}" in page) == (200, True), "its own page"
    status, page = await browser.post("/settings/killmail", {"link": "nonsense <b>"})
    assert (status, "This is not a link to a killmail that can be read;" in page) == (409, True)
    eve.add_fault("status", route="/api/{path}", status=503, count=1)
    assert code(await add(f"{eve.url}/kill/{foreign.killmail_id}/")) == "ZKILLBOARD_UNAVAILABLE"
    for _ in range(20):
        last = await add(esi)
    assert code(last) == "RATE_LIMITED"
    hashes = (mine.killmail_hash, also_mine.killmail_hash, foreign.killmail_hash)
    assert not any(secret in part for secret in hashes for part in (*secret_parts, page))


async def test_without_temporal_nothing_is_promised(settings: Settings, eve: SandboxEve) -> None:
    away = settings.model_copy(update={"port": free_port(), "temporal_address": f"127.0.0.1:{free_port()}"})
    async with serve(away) as site, open_browser(site) as browser:
        pilot = eve.pilots[0].character_id
        await browser.sign_in(await site.add_pilot(pilot))
        started = await browser.data(order("start"), id=str(pilot))
        assert started["startZkillboardImport"]["userErrors"] == [{"code": "SYNC_UNAVAILABLE"}]
        assert await browser.data(ASK, id=str(pilot)) == {"zkillboardImport": None}
        reference = eve.references(pilot)[0]
        added = await browser.data(ADD, link=f"{eve.url}/killmails/{reference.killmail_id}/{reference.killmail_hash}/")
        assert added["addKillmail"]["userErrors"][0]["code"] == "SYNC_UNAVAILABLE"
        assert await stored(site.pool) == set()
