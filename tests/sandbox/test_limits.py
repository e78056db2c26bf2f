"""ESI's limits: token buckets with a sliding window, the legacy error limit, compatibility dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from sandbox.eve.budgets import Bucket, Limit
from sandbox.eve.clock import Clock
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from tests.sandbox.caller import CORPORATION_SCOPE, KILLMAIL_SCOPE, Caller


async def test_a_200_costs_two_tokens_and_a_403_five(caller: Caller) -> None:
    pilot = caller.eve.pilots[0]
    token = caller.eve.access_token(pilot.character_id, KILLMAIL_SCOPE, CORPORATION_SCOPE)
    answer = await caller.get(f"/characters/{pilot.character_id}/killmails/recent", token)
    limit = {name: answer.headers[f"X-Ratelimit-{name}"] for name in ("Group", "Limit", "Remaining", "Used")}
    assert limit == {"Group": "char-killmail", "Limit": "30/15m", "Remaining": "28", "Used": "2"}
    assert not [name for name in answer.headers if name.lower().startswith("x-esi-error-limit")]
    refused = await caller.get("/corporations/98000001/killmails/recent", token)
    assert (refused.status, refused.headers["X-Ratelimit-Used"]) == (403, "5")
    assert refused.headers["X-Ratelimit-Group"] == "corp-killmail"


async def test_an_empty_bucket_answers_429_until_tokens_return(caller: Caller, token: str) -> None:
    path = f"/characters/{caller.eve.pilots[0].character_id}/killmails/recent"
    for _ in range(8):
        assert (await caller.get(path, token)).status == 200
    caller.eve.advance(600)
    for _ in range(7):
        assert (await caller.get(path, token)).status == 200
    refused = await caller.get(path, token)
    assert (refused.status, refused.headers["X-Ratelimit-Used"]) == (429, "0")
    assert 290 <= int(refused.headers["Retry-After"]) <= 300
    caller.eve.advance(int(refused.headers["Retry-After"]))
    answers = [(await caller.get(path, token)).status for _ in range(9)]
    assert answers == [200] * 8 + [429], "only what was spent before the pause has come back"


async def test_each_character_and_application_has_a_bucket_of_its_own(caller: Caller) -> None:
    eve = caller.eve
    for pilot, application in ((eve.pilots[0], "one"), (eve.pilots[0], "two"), (eve.pilots[1], "one")):
        token = eve.access_token(pilot.character_id, KILLMAIL_SCOPE, client_id=application)
        answer = await caller.get(f"/characters/{pilot.character_id}/killmails/recent", token)
        assert answer.headers["X-Ratelimit-Remaining"] == "28"


async def test_without_a_good_token_the_source_address_pays(caller: Caller, token: str) -> None:
    path = f"/characters/{caller.eve.pilots[0].character_id}/killmails/recent"
    answers = [await caller.get(path, "forged") for _ in range(7)]
    assert [answer.status for answer in answers] == [401] * 6 + [429]
    assert (await caller.get(path, token)).status == 200


def test_retry_after_names_the_moment_a_token_returns() -> None:
    clock = Clock()
    bucket = Bucket(Limit("small", 3), clock)
    first = bucket.begin()
    assert first
    clock.advance(60)
    assert bucket.begin()
    assert bucket.begin() is None
    assert 838 <= bucket.retry_after <= 840


@pytest.mark.parametrize(("seconds", "written"), [(60, "30/1m"), (90, "30/90s")])
async def test_a_shorter_window_holds_the_same_tokens_and_says_so(seconds: int, written: str) -> None:
    async with SandboxEve(SandboxOptions(window_seconds=seconds)) as eve, aiohttp.ClientSession() as session:
        caller = Caller(eve, session)
        path = f"/characters/{eve.pilots[0].character_id}/killmails/recent"
        token = eve.access_token(eve.pilots[0].character_id, KILLMAIL_SCOPE)
        answers = [await caller.get(path, token) for _ in range(16)]
        assert [answer.status for answer in answers] == [200] * 15 + [429]
        assert answers[0].headers["X-Ratelimit-Limit"] == written
        eve.advance(seconds)
        assert (await caller.get(path, token)).status == 200


async def test_a_hundred_errors_a_minute_stop_every_route(caller: Caller, token: str) -> None:
    eve = caller.eve
    eve.advance(60 - eve.world.clock.now() % 60)  # a fresh window
    first = await caller.post("/universe/names", json=[1])
    assert (first.status, first.json) == (404, {"error": "Ensure all IDs are valid before resolving."})
    assert first.headers["X-ESI-Error-Limit-Remain"] == "99"
    assert 0 < int(first.headers["X-ESI-Error-Limit-Reset"]) <= 60
    assert not [name for name in first.headers if name.lower().startswith("x-ratelimit")]
    for _ in range(99):
        await caller.post("/universe/names", json=[1])
    stopped = await caller.get(f"/characters/{eve.pilots[0].character_id}/killmails/recent", token)
    assert stopped.status == 420
    assert stopped.json["error"].startswith("This software has exceeded the error limit for ESI.")
    assert stopped.headers["X-ESI-Error-Limit-Remain"] == "0"
    assert not [name for name in stopped.headers if name.lower().startswith("x-ratelimit")]
    assert (await caller.get("/universe/systems/30000142")).status == 420
    eve.advance(int(stopped.headers["X-ESI-Error-Limit-Reset"]))
    assert (await caller.get("/universe/systems/30000142")).status == 200


@pytest.mark.parametrize(
    ("days", "status"), [(-400, 200), (-1, 200), (2, 400), (-20 * 365, 400)], ids=["old", "new", "future", "ancient"]
)
async def test_a_compatibility_date_must_be_one_that_was(caller: Caller, days: int, status: int) -> None:
    date = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    assert (await caller.get("/status", headers={"X-Compatibility-Date": date})).status == status


async def test_the_day_of_a_compatibility_date_begins_at_eleven(caller: Caller) -> None:
    eve = caller.eve
    eve.advance((10 * 3_600 - eve.world.clock.now()) % 86_400)  # 10:00 UTC
    today = datetime.fromtimestamp(eve.world.clock.now(), UTC).date().isoformat()
    assert (await caller.get("/status", headers={"X-Compatibility-Date": today})).status == 400
    eve.advance(2 * 3_600)
    assert (await caller.get("/status", headers={"X-Compatibility-Date": today})).status == 200


@pytest.mark.parametrize("headers", [{}, {"X-Compatibility-Date": "soon"}])
async def test_no_compatibility_date_is_served_and_nonsense_is_not(caller: Caller, headers: dict[str, str]) -> None:
    assert (await caller.get("/status", headers=headers)).status == (400 if headers else 200)


async def test_an_unknown_route_answers_json(caller: Caller) -> None:
    answer = await caller.get("/latest/nothing/here")
    assert answer.status == 404
    assert set(answer.json) == {"error"}


async def test_every_request_is_accounted_for(caller: Caller, token: str) -> None:
    pilot = caller.eve.pilots[0].character_id
    await caller.get(f"/characters/{pilot}/killmails/recent", token, headers={"X-Compatibility-Date": "2026-07-21"})
    await caller.post("/universe/names", json=[pilot])
    seen = (await caller.get("/_sandbox/requests")).json
    assert [(one["method"], one["route"], one["status"], one["group"], one["tokens"]) for one in seen] == [
        ("GET", "/characters/{character_id}/killmails/recent", 200, "char-killmail", 2),
        ("POST", "/universe/names", 200, None, 0),
    ]
    assert seen[0]["character_id"] == pilot
    assert seen[0]["compatibility_date"] == "2026-07-21"
    assert (await caller.ask("DELETE", "/_sandbox/requests")).status == 204
    assert (await caller.get("/_sandbox/requests")).json == []


async def test_fields_that_are_not_documented_yet_can_appear() -> None:
    async with SandboxEve(SandboxOptions(unknown_fields=True)) as eve, aiohttp.ClientSession() as session:
        answer = await Caller(eve, session).get("/status")
        assert {"not_known_yet", "players"} < answer.json.keys()
