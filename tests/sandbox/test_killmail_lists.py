"""ESI's killmail lists: paging, caching, conditional requests, who may see them, and lists that shift."""

from __future__ import annotations

from typing import Any

from sandbox.eve.server import SandboxEve
from tests.sandbox.caller import CORPORATION_SCOPE, KILLMAIL_SCOPE, Caller


def path_of(character_id: int) -> str:
    return f"/characters/{character_id}/killmails/recent"


async def test_the_first_pilot_has_exactly_150_killmails_on_one_page(caller: Caller, token: str) -> None:
    answer = await caller.get(path_of(caller.eve.pilots[0].character_id), token)
    assert answer.status == 200
    assert len({row["killmail_id"] for row in answer.json}) == 150
    assert all(len(row["killmail_hash"]) == 40 for row in answer.json)
    assert answer.headers["X-Pages"] == "1"
    assert answer.headers["Cache-Control"] == "private, max-age=300"
    assert answer.headers["ETag"]
    assert answer.headers["Last-Modified"]


async def test_universes_of_one_seed_are_equal(eve: SandboxEve) -> None:
    async with SandboxEve() as other:
        assert [pilot.character_id for pilot in other.pilots] == [pilot.character_id for pilot in eve.pilots]
        first = eve.pilots[0].character_id
        assert other.references(first) == eve.references(first)


async def test_an_unchanged_list_costs_a_304_of_one_token(caller: Caller, token: str) -> None:
    path = path_of(caller.eve.pilots[0].character_id)
    first = await caller.get(path, token)
    second = await caller.get(path, token, headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status, second.text) == (304, "")
    assert second.headers["X-Ratelimit-Used"] == "1"
    assert second.headers["X-Ratelimit-Remaining"] == "27"
    weak = await caller.get(path, token, headers={"If-None-Match": f'"other", W/{first.headers["ETag"]}'})
    assert weak.status == 304


async def test_a_list_is_cached_until_its_time_is_over_or_a_test_says_so(caller: Caller, token: str) -> None:
    eve = caller.eve
    pilot = eve.pilots[0].character_id
    before = await caller.get(path_of(pilot), token)
    made = eve.add_killmail(pilot).killmail_id
    assert (await caller.get(path_of(pilot), token)).text == before.text
    eve.expire_lists()
    after = await caller.get(path_of(pilot), token)
    assert after.json[0]["killmail_id"] == made
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.headers["Last-Modified"] != before.headers["Last-Modified"]
    another = eve.add_killmail(pilot, "final_blow").killmail_id
    eve.advance(301)
    assert (await caller.get(path_of(pilot), token)).json[0]["killmail_id"] == another


async def test_an_empty_history_is_an_empty_list(caller: Caller) -> None:
    newcomer = caller.eve.newcomer.character_id
    answer = await caller.get(path_of(newcomer), caller.eve.access_token(newcomer, KILLMAIL_SCOPE))
    assert (answer.status, answer.json) == (200, [])


async def test_pages_hold_a_thousand_and_end_in_404(caller: Caller) -> None:
    veteran = caller.eve.veteran.character_id
    token = caller.eve.access_token(veteran, KILLMAIL_SCOPE)
    pages = [await caller.get(path_of(veteran), token, params={"page": page}) for page in (1, 2)]
    assert [len(page.json) for page in pages] == [1000, 150]
    assert {page.headers["X-Pages"] for page in pages} == {"2"}
    assert len({page.headers["Last-Modified"] for page in pages}) == 1
    beyond = await caller.get(path_of(veteran), token, params={"page": 3})
    assert (beyond.status, beyond.json) == (404, {"error": "Requested page does not exist!"})
    assert (await caller.get(path_of(veteran), token, params={"page": 0})).status == 400


async def test_pages_can_shift_while_they_are_read(caller: Caller) -> None:
    veteran = caller.eve.veteran.character_id
    token = caller.eve.access_token(veteran, KILLMAIL_SCOPE)
    caller.eve.shift_pages(veteran, after_page=1, add=2)
    first = await caller.get(path_of(veteran), token)
    second = await caller.get(path_of(veteran), token, params={"page": 2})
    assert len(second.json) == 152
    assert len({row["killmail_id"] for row in (*first.json, *second.json)}) == 1150, "two are seen twice"
    assert first.headers["Last-Modified"] != second.headers["Last-Modified"]


async def test_the_last_page_can_vanish_while_it_is_read(caller: Caller) -> None:
    veteran = caller.eve.veteran.character_id
    token = caller.eve.access_token(veteran, KILLMAIL_SCOPE)
    answer = await caller.post(
        "/_sandbox/shift-pages", json={"character_id": veteran, "after_page": 1, "add": 0, "remove": 150}
    )
    assert answer.status == 200
    assert (await caller.get(path_of(veteran), token)).headers["X-Pages"] == "2"
    assert (await caller.get(path_of(veteran), token, params={"page": 2})).status == 404


async def test_what_is_older_than_90_days_is_no_longer_listed(caller: Caller) -> None:
    first = caller.eve.pilots[0].character_id
    caller.eve.advance(60 * 86_400)
    assert 0 < len(caller.eve.references(first)) < 150
    caller.eve.advance(40 * 86_400)
    assert caller.eve.references(first) == []


async def test_a_list_needs_a_good_token_of_that_character_with_the_scope(caller: Caller, token: str) -> None:
    eve = caller.eve
    pilot, other = eve.pilots[0].character_id, eve.pilots[1].character_id
    assert (await caller.get(path_of(pilot))).status == 401
    assert (await caller.get(path_of(pilot), "forged")).status == 401
    scopeless = await caller.get(path_of(pilot), eve.access_token(pilot))
    assert scopeless.status == 403
    assert scopeless.json == {"error": f"token is not valid for scope: {KILLMAIL_SCOPE}", "sso_status": 200}
    assert (await caller.get(path_of(other), token)).status == 403
    assert (await caller.get(path_of(pilot), token)).status == 200
    eve.advance(1_201)
    assert (await caller.get(path_of(pilot), token)).status == 401


async def test_a_corporations_list_needs_its_director(caller: Caller) -> None:
    eve = caller.eve
    director, member, stranger = eve.pilots[0], eve.pilots[16], eve.pilots[1]
    assert director.corporation_id == member.corporation_id != stranger.corporation_id
    path = f"/corporations/{director.corporation_id}/killmails/recent"

    async def ask(character_id: int) -> tuple[int, Any]:
        answer = await caller.get(path, eve.access_token(character_id, CORPORATION_SCOPE))
        return answer.status, answer.json

    status, listed = await ask(director.character_id)
    assert status == 200
    own = set(eve.listed_killmail_ids(director.character_id))
    assert own < {row["killmail_id"] for row in listed}
    assert await ask(member.character_id) == (403, {"error": "Character does not have required role(s)"})
    assert await ask(stranger.character_id) == (403, {"error": "Character is not in the corporation"})
    await caller.post(f"/_sandbox/pilots/{director.character_id}/lose-role")
    assert (await ask(director.character_id))[0] == 403
    await caller.post(f"/_sandbox/pilots/{director.character_id}/gain-role")
    assert (await ask(director.character_id))[0] == 200


async def test_two_pilots_can_be_on_one_killmail(eve: SandboxEve) -> None:
    first, second = eve.pilots[0].character_id, eve.pilots[1].character_id
    reference = eve.add_killmail(first, "victim", other_id=second)
    assert eve.references(first)[0] == reference == eve.references(second)[0]
    body = eve.killmail(reference.killmail_id)
    assert body["victim"]["character_id"] == first
    assert second in [attacker.get("character_id") for attacker in body["attackers"]]
