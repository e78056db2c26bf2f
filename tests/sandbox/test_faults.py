"""Faults go wrong as they are told to: how, where, how often."""

from __future__ import annotations

import time

import aiohttp
import pytest

from tests.sandbox.caller import KILLMAIL_SCOPE, Caller

NAMES = "/universe/names"


async def names(caller: Caller) -> int:
    return (await caller.post(NAMES, json=[caller.eve.pilots[0].character_id])).status


async def test_a_fault_strikes_its_route_as_often_as_it_says(caller: Caller) -> None:
    made = await caller.post("/_sandbox/faults", json={"kind": "status", "route": NAMES, "status": 503, "count": 2})
    assert made.status == 200
    assert (await caller.get("/status")).status == 200
    assert [await names(caller) for _ in range(3)] == [503, 503, 200]
    assert (await caller.get("/_sandbox/faults")).json == []


async def test_a_fault_strikes_at_a_rate(caller: Caller) -> None:
    caller.eve.add_fault("html_502", route=NAMES, rate=0.5)
    answers = [await names(caller) for _ in range(60)]
    assert 10 < answers.count(502) < 50
    assert (await caller.ask("DELETE", "/_sandbox/faults")).status == 204
    caller.eve.forget_spending()
    assert await names(caller) == 200


async def test_a_body_of_ones_own(caller: Caller) -> None:
    caller.eve.add_fault("status", status=403, body={"error": "unexpected end of JSON input", "sso_status": 401})
    assert (await caller.get("/status")).json["sso_status"] == 401
    caller.eve.remove_faults()
    caller.eve.add_fault("status", status=200, body="not JSON")
    assert (await caller.get("/status")).text == "not JSON"


async def test_limits_can_be_faked_with_and_without_headers(caller: Caller) -> None:
    caller.eve.add_fault("rate_limited", seconds=17, count=1)
    limited = await caller.get("/status")
    assert (limited.status, limited.headers["Retry-After"]) == (429, "17")
    assert limited.headers["X-Ratelimit-Group"] == "status"
    caller.eve.add_fault("rate_limited_bare", count=1)
    bare = await caller.get("/status")
    assert bare.status == 429
    assert not [name for name in bare.headers if name.lower().startswith(("x-", "retry-after"))]
    caller.eve.add_fault("error_limited", seconds=9, count=1)
    stopped = await caller.get("/status")
    assert (stopped.status, stopped.headers["X-ESI-Error-Limit-Reset"]) == (420, "9")


async def test_a_502_is_html(caller: Caller) -> None:
    caller.eve.add_fault("html_502")
    answer = await caller.get("/status")
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (502, "text/html")


@pytest.mark.parametrize("kind", ["truncated", "reset"])
@pytest.mark.parametrize("route", ["/status", "/oauth/jwks"])
async def test_a_connection_can_be_cut(caller: Caller, kind: str, route: str) -> None:
    caller.eve.add_fault(kind, route=route)
    with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
        await caller.get(route)
    caller.eve.remove_faults()
    assert (await caller.get(route)).status == 200
    # aiohttp's client repeats a GET by itself, once, when the connection ends before any answer.
    assert [record.fault for record in caller.eve.requests] == [kind] * (2 if kind == "reset" else 1) + [None]


async def test_latency_is_added(caller: Caller) -> None:
    caller.eve.add_fault("latency", seconds=0.2)
    started = time.perf_counter()
    assert (await caller.get("/status")).status == 200
    assert time.perf_counter() - started >= 0.2


async def test_in_downtime_only_what_was_cached_is_answered(caller: Caller, token: str) -> None:
    cached = f"/characters/{caller.eve.pilots[0].character_id}/killmails/recent"
    assert (await caller.get(cached, token)).status == 200
    fault = caller.eve.add_fault("downtime")
    assert (await caller.get(cached, token)).status == 200
    down = await caller.get("/status")
    assert (down.status, down.json) == (504, {"error": "Timeout contacting tranquility", "timeout": 10})
    assert (await caller.get("/oauth/jwks")).status == 503
    caller.eve.advance(301)
    renewed = caller.eve.access_token(caller.eve.pilots[0].character_id, KILLMAIL_SCOPE)
    assert (await caller.get(cached, renewed)).status == 504
    fault.status = 502
    assert (await caller.get("/status")).status == 502


@pytest.mark.parametrize("fault", [{"kind": "nonsense"}, {"kind": "status", "rate": 2}, {"sort": "status"}])
async def test_a_fault_that_cannot_be_is_refused(caller: Caller, fault: dict[str, object]) -> None:
    answer = await caller.post("/_sandbox/faults", json=fault)
    assert answer.status == 400
    assert answer.json["error"]
