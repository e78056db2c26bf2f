"""The export: the same killmails as the list, all of them, from wherever the last try broke off."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import asyncpg
import pytest

from api.compiled.reads import CompiledReads
from api.exports.lines import COLUMNS, PAGE_SIZE
from db.universe.names import store_names
from settings import Settings
from tests.api.running_site import Browser, Site, open_browser, serve
from tests.db.bodies import body

ME, STRANGER, VICTIM = 90_000_010, 90_000_020, 90_000_030


@pytest.fixture
async def me(site: Site, browser: Browser) -> int:
    """Signed in, with more killmails than two pages hold; each third is a loss."""
    account_id = await site.add_pilot(ME)
    await browser.sign_in(account_id)
    bodies = [
        body(number, victim=ME) if number % 3 == 0 else body(number, victim=VICTIM, attackers=(ME,))
        for number in range(1, 2 * PAGE_SIZE + 12)
    ]
    await site.store(*bodies, body(9999, victim=STRANGER))
    return account_id


def address(form: str, chosen: dict[str, Any] | None = None, **more: str) -> str:
    return f"/export/killmails.{form}?" + urlencode({**({"filter": json.dumps(chosen)} if chosen else {}), **more})


async def rows(browser: Browser, path: str) -> list[dict[str, Any]]:
    status, text = await browser.get(path)
    assert status == 200, text
    return list(csv.DictReader(io.StringIO(text))) if ".csv" in path else [json.loads(one) for one in text.splitlines()]


@pytest.mark.usefixtures("me")
@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_everything_once_newest_first(browser: Browser, form: str) -> None:
    found = await rows(browser, address(form))
    assert [int(one["id"]) for one in found] == [*range(2 * PAGE_SIZE + 11, 0, -1)]


@pytest.mark.usefixtures("me")
@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_a_filter_and_taking_it_up_again(browser: Browser, form: str) -> None:
    losses = {"side": "VICTIM", "until": "2026-01-01T01:00:00Z"}
    whole = await rows(browser, address(form, losses))
    assert [int(one["id"]) for one in whole] == [*range(57, 0, -3)]
    rest = await rows(browser, address(form, losses, after=whole[4]["cursor"]))
    assert rest == whole[5:]
    assert await rows(browser, address(form, losses, after=whole[-1]["cursor"])) == []


@pytest.mark.usefixtures("me")
async def test_what_a_line_holds(site: Site, browser: Browser) -> None:
    await site.pool.execute(
        "UPDATE killmails SET total_value = 12.5, destroyed_value = 12.5, dropped_value = 0, fitted_value = 1,"
        " price_date = '2026-01-01', solo = true, npc = false WHERE killmail_id = 2"
    )
    await store_names(
        site.pool, [(VICTIM, "character", '=HYPERLINK("http://x")'), (587, "inventory_type", 'The "Rifter"')]
    )
    by_value = await rows(browser, address("csv", orderBy="VALUE"))
    (line,) = by_value
    assert tuple(line) == COLUMNS
    assert line | {"cursor": ""} == {
        **dict.fromkeys(COLUMNS, ""),
        "id": "2",
        "time": "2026-01-01T00:02:00Z",
        "side": "ATTACKER",
        "solar_system_id": "30000142",
        "security": "?",
        "ship_type_id": "587",
        "ship": 'The "Rifter"',
        "victim_id": str(VICTIM),
        "victim": '\'=HYPERLINK("http://x")',
        "victim_corporation_id": "98000001",
        "final_blow_id": str(ME),
        "final_blow_corporation_id": "98000002",
        "final_blow_ship_type_id": "24692",
        "attackers": "1",
        "destroyed": "12.50",
        "dropped": "0.00",
        "fitted": "1.00",
        "total": "12.50",
        "price_date": "2026-01-01",
        "solo": "true",
        "npc": "false",
    }
    (same,) = await rows(browser, address("ndjson", orderBy="VALUE"))
    assert same["attackers"][0]["damageDone"] == 500
    assert same["items"] == []
    assert same["value"]["total"] == "12.50"
    assert same["cursor"] == line["cursor"]


@pytest.mark.usefixtures("me")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        (address("csv", after="nonsense"), 400),
        (address("csv", orderBy="NAME"), 400),
        ("/export/killmails.csv?filter=%7B", 400),
        ("/export/killmails.csv?filter=%5B%5D", 400),
        (address("ndjson", {"colour": "red"}), 400),
        (address("ndjson", {"side": "LEFT"}), 400),
        (address("ndjson", {"characterId": "me"}), 400),
        (address("ndjson", {"minValue": "much"}), 400),
        (address("csv", {"minValue": "1E-20000"}), 400),
        ("/export/killmails.xlsx", 404),
    ],
)
async def test_what_makes_no_sense_is_refused_before_it_begins(browser: Browser, path: str, status: int) -> None:
    answer, text = await browser.get(path)
    assert answer == status
    if status == 400:
        (error,) = json.loads(text)["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["message"].endswith(".")


async def test_a_session_that_ends_breaks_the_stream_off(
    site: Site, browser: Browser, me: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = 0
    original = CompiledReads.page

    async def ended_after_a_page(*arguments: Any, **more: Any) -> Any:
        nonlocal pages
        pages += 1
        page = await original(*arguments, **more)
        await site.pool.execute("DELETE FROM sessions WHERE account_id = $1", me)
        return page

    monkeypatch.setattr(CompiledReads, "page", ended_after_a_page)
    with pytest.raises(aiohttp.ClientPayloadError):
        await browser.get(address("csv"))
    assert pages == 1


async def test_a_page_that_takes_the_database_too_long_is_told_so(
    lone_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.opening.STATEMENT_SECONDS", 1)
    async with serve(lone_settings) as site, open_browser(site) as browser:
        await browser.sign_in(await site.add_pilot(ME))
        other = await asyncpg.connect(lone_settings.database_url)
        async with other.transaction():
            await other.execute("LOCK TABLE participants")
            status, text = await browser.get(address("csv"))
        await other.close()
        (error,) = json.loads(text)["errors"]
        assert (status, error["extensions"]["code"]) == (503, "TIMEOUT")
        assert await rows(browser, address("csv")) == []


async def test_exports_are_paid_from_the_callers_bucket(lone_settings: Settings) -> None:
    narrow = lone_settings.model_copy(update={"graphql_requests_per_minute": 2})
    async with serve(narrow) as site, open_browser(site) as browser:
        await browser.sign_in(await site.add_pilot(ME))
        for _ in range(2):
            assert (await browser.get(address("csv")))[0] == 200
        async with browser.http.get(f"{site.address}{address('csv')}") as refused:
            answer = await refused.json()
        assert (refused.status, answer["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
        assert int(refused.headers["Retry-After"]) > 0


async def test_keys_that_open_nothing_are_turned_away_in_the_end(lone_settings: Settings) -> None:
    narrow = lone_settings.model_copy(update={"graphql_anonymous_requests_per_minute": 3})
    async with serve(narrow) as site, open_browser(site) as browser:
        guess = {"Authorization": "Bearer krk_" + "x" * 43}
        answers = []
        for _ in range(5):
            async with browser.http.get(f"{site.address}{address('csv')}", headers=guess) as answer:
                answers.append(answer.status)
        assert answers == [401, 401, 401, 429, 429]
