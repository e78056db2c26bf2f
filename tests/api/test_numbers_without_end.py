"""Numbers as long as anybody likes, wherever a stranger may write one: a clear answer, never an error of ours."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.api.running_site import Browser, Site, open_browser
from tests.db.bodies import body as killmail

LONG = "9" * 5_000
NUMBERS = (LONG, "0" * 5_000, "9" * 19, "9223372036854775808", "9223372036854775807", "0", "٣")
PILOT = 2_119_000_050
PATHS = (
    *(f"/{page}/%s" for page in ("killmails", "characters", "corporations", "alliances", "systems", "types")),
    "/?character=%s",
    "/?corporation=%s",
    "/?after=%s",
    "/?days=%s",
    "/fragments/feed?character=%s&after=%s",
    "/search?q=%s",
    "/fragments/search?q=%s",
    '/export/killmails.csv?filter={"characterId":"%s"}',
    '/export/killmails.csv?filter={"minAttackers":%s}',
    '/export/killmails.csv?filter={"minValue":%s}',
    "/export/killmails.ndjson?after=%s",
)
FORMS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("/sync", "character_id", {"order": "sync_now"}),
    ("/settings/corporation", "corporation_id", {"order": "follow"}),
    ("/settings/characters", "character_id", {"order": "remove"}),
    ("/settings/sessions", "session_id", {"order": "end"}),
    ("/settings/api-keys", "api_key_id", {"order": "revoke"}),
    ("/settings/zkillboard", "character_id", {"order": "start"}),
    ("/settings/killmail", "link", {}),
    ("/admin/order", "whom", {"order": "sync_now"}),
)
DOCUMENTS = (
    "{ killmails(first: %s) { nodes { id } } }",
    "{ killmails(filter: {minAttackers: %s}) { nodes { id } } }",
    "{ killmails(filter: {minValue: %s}) { nodes { id } } }",
    "{ killmails(filter: {minValue: 1.%s}) { nodes { id } } }",
    '{ killmails(filter: {characterId: "%s"}) { nodes { id } } }',
    "{ killmails(filter: {solarSystemId: %s}) { nodes { id } } }",
    '{ killmails(after: "%s") { nodes { id } } }',
    '{ killmail(id: "%s") { id } }',
    "{ killmail(id: %s) { id } }",
    '{ character(id: "%s") { id statistics(top: 3) { kills } } }',
    "{ me { statistics(top: %s) { kills } } }",
    '{ zkillboardImport(characterId: "%s") { state } }',
    'mutation { revokeApiKey(id: "%s") { userErrors { code } } }',
    'mutation { endSession(id: "%s") { userErrors { code } } }',
    'mutation { addKillmail(link: "https://zkillboard.com/kill/%s/") { userErrors { code } } }',
)


@pytest.fixture
async def pilot(shared_site: Site) -> AsyncIterator[Browser]:
    async with open_browser(shared_site) as browser:
        await browser.sign_in(await shared_site.add_pilot(PILOT))
        yield browser
        await shared_site.pool.execute("DELETE FROM users")


async def test_no_number_is_too_long_for_an_answer(pilot: Browser, caplog: pytest.LogCaptureFixture) -> None:
    wrong: list[str] = []
    with caplog.at_level(logging.ERROR):
        for number in NUMBERS:
            for path in PATHS:
                address = path.replace("%s", number)
                status, _ = await pilot.get(quote(address, safe="/?=&%"))
                wrong += [f"GET {address[:60]}: {status}"] * (status >= 500)
            for path, field, rest in FORMS:
                status, _ = await pilot.post(path, {field: number, **rest})
                wrong += [f"POST {path} {number[:20]}: {status}"] * (status >= 500)
            for document in DOCUMENTS:
                wrong += await _wrong(pilot, {"query": document.replace("%s", number)})
            for kind, use in (
                ("Int", "killmails(first: $it) { nodes { id } }"),
                ("ISK", "killmails(filter: {minValue: $it}) { nodes { id } }"),
                ("ID!", "killmail(id: $it) { id }"),
                ("DateTime", "me { statistics(since: $it) { kills } }"),
            ):
                if number.isascii() and (number == "0" or not number.startswith("0")):  # else it is no JSON
                    query = json.dumps(f"query ($it: {kind}) {{ {use} }}")
                    wrong += await _wrong(pilot, f'{{"query": {query}, "variables": {{"it": {number}}}}}')
    assert not wrong
    assert not caplog.records


async def _wrong(pilot: Browser, asked: dict[str, str] | str) -> list[str]:
    text = asked if isinstance(asked, str) else json.dumps(asked)
    headers = {"Content-Type": "application/json"}
    async with pilot.http.post(f"{pilot.site.address}/graphql", data=text, headers=headers) as response:
        answer = await response.text()
        failed = response.status >= 500 or "INTERNAL_SERVER_ERROR" in answer
        return [f"{text[:90]}: {response.status} {answer[:200]}"] if failed else []


async def test_a_killmail_of_no_possible_number_is_one_that_is_not_there(pilot: Browser) -> None:
    status, page = await pilot.get(f"/killmails/{LONG}")
    assert status == 404
    assert "This killmail is not here" in page


async def test_damage_beyond_32_bits_is_told_as_it_is(pilot: Browser) -> None:
    """`cases/damage_beyond_int32.json`: one such killmail made the whole list null."""
    much = 3_000_000_000
    body = killmail(960_100_002, victim=PILOT, minute=2, attackers=(2_113_007_001,))
    body["victim"]["damage_taken"] = body["attackers"][0]["damage_done"] = much
    body["victim"]["items"] = [{"item_type_id": 34, "flag": much, "singleton": much, "quantity_dropped": much}]
    await pilot.site.store(killmail(960_100_001, victim=PILOT, minute=1), body)

    fields = "victim { damageTaken } attackers { damageDone } items { flag slot singleton quantityDropped }"
    both = f"{{ killmails {{ nodes {{ id {fields} }} }} killmail(id: 960100002) {{ id eft {fields} }} }}"
    data = await pilot.data(both)

    assert [node["id"] for node in data["killmails"]["nodes"]] == ["960100002", "960100001"]
    for told in (data["killmails"]["nodes"][0], data["killmail"]):
        assert told["victim"]["damageTaken"] == told["attackers"][0]["damageDone"] == much
        assert told["items"] == [{"flag": much, "slot": "OTHER", "singleton": much, "quantityDropped": much}]
    status, page = await pilot.get("/killmails/960100002")
    assert status == 200
    assert "3,000,000,000" in page
