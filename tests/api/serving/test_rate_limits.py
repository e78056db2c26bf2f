"""Each caller has a bucket: requests and cost, told in headers, one for all processes, and none without Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import redis.asyncio

from api.serving import rate_limits
from api.serving.rate_limits import RateLimits, Verdict
from db.accounts.sessions import Caller
from settings import Settings
from tests.api.graphql.key_mutations import CREATE
from tests.api.live.socket_client import open_socket
from tests.api.running_site import Browser, Site, open_browser, serve

ME = 90_000_010
QUERY = {"query": "{ __typename }"}
NARROW = {
    "graphql_requests_per_minute": 5,
    "graphql_cost_per_minute": 100,
    "graphql_anonymous_requests_per_minute": 3,
    "graphql_anonymous_cost_per_minute": 50,
}


@pytest.fixture
def narrow(lone_settings: Settings) -> Settings:
    return lone_settings.model_copy(update=NARROW)


@asynccontextmanager
async def signed_in(site: Site, account_id: int) -> AsyncIterator[Browser]:
    async with open_browser(site) as browser:
        await browser.sign_in(account_id)
        yield browser


async def send(browser: Browser, body: Any = QUERY, **headers: str) -> aiohttp.ClientResponse:
    response = await browser.http.post(f"{browser.site.address}/graphql", json=body, headers=headers)
    await response.read()
    return response


async def test_requests_are_limited_and_told_in_the_standard_headers(narrow: Settings) -> None:
    async with serve(narrow) as site, signed_in(site, await site.add_pilot(ME)) as browser:
        first = await send(browser)
        assert first.status == 200
        assert first.headers["RateLimit-Policy"] == '"requests";q=5;w=60, "cost";q=100;w=60'
        assert first.headers["RateLimit"] == '"requests";r=4;t=12, "cost";r=99;t=1'
        assert "Retry-After" not in first.headers
        for _ in range(4):
            assert (await send(browser)).status == 200
        for _ in range(2):  # by the bucket, and from memory
            refused = await send(browser)
            assert refused.status == 429
            assert 1 <= int(refused.headers["Retry-After"]) <= 12
            assert refused.headers["RateLimit"].startswith('"requests";r=0;t=60')
            error = (await refused.json())["errors"][0]
            assert error["extensions"]["code"] == "RATE_LIMITED"
            assert error["extensions"]["retryAfter"] == int(refused.headers["Retry-After"])


async def test_cost_is_told_and_limited(narrow: Settings) -> None:
    async with serve(narrow) as site, signed_in(site, await site.add_pilot(ME)) as browser:
        page = {"query": "query ($n: Int) { killmails(first: $n) { nodes { id } } }", "variables": {"n": 60}}
        answer = await (await send(browser, page)).json()
        assert answer["extensions"]["cost"] == {
            "requestedQueryCost": 61,
            "maximumAvailable": 100,
            "currentlyAvailable": 39,
            "restoreRate": 1.7,
        }
        refused = await send(browser, page)
        assert (refused.status, "r=39" in refused.headers["RateLimit"]) == (429, True)
        assert 10 <= int(refused.headers["Retry-After"]) <= 14, "22 of 100 are missing"
        assert (await send(browser)).status == 200, "what costs little may still be asked"


async def test_an_operation_that_costs_too_much_is_refused_whoever_asks(browser: Browser) -> None:
    who = "character { id } corporation { id } alliance { id } faction { id } ship { group { category { id } } }"
    kill = f"attackers {{ {who} }} items {{ type {{ group {{ category {{ id }} }} }} }}"
    page = f"killmails(first: $n) {{ nodes {{ {kill} }} edges {{ node {{ {kill} }} }} }}"
    answer = await browser.graphql(
        "query ($n: Int) {" + " ".join(f"{alias}: {page}" for alias in "abcdefghij") + " }", n=100
    )
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "TOO_COMPLEX"
    assert "100,000" in error["message"]


async def test_an_operation_that_could_never_be_paid_for_is_refused_for_good(narrow: Settings) -> None:
    async with serve(narrow) as site, signed_in(site, await site.add_pilot(ME)) as browser:
        answer = await browser.graphql("{ killmails(first: 100) { nodes { id } } }")
        assert answer["errors"][0]["extensions"]["code"] == "TOO_COMPLEX"
        assert "you can spend 100 per minute" in answer["errors"][0]["message"]


async def test_account_key_and_address_have_buckets_of_their_own(narrow: Settings) -> None:
    async with serve(narrow) as site:
        account_id = await site.add_pilot(ME)
        async with signed_in(site, account_id) as browser, signed_in(site, account_id) as phone:
            key = (await browser.data(CREATE, name="A bot", scopes=["READ"]))["createApiKey"]["key"]
            for _ in range(4):
                assert (await send(phone)).status == 200
            assert [(await send(one)).status for one in (phone, browser)] == [429, 429], "one account, one bucket"
            said = {"Authorization": f"Bearer {key}"}
            assert [(await send(browser, **said)).status for _ in range(6)] == [200] * 5 + [429]
        async with open_browser(site) as stranger:
            assert [(await send(stranger)).status for _ in range(4)] == [200] * 3 + [429]


async def test_keys_that_open_nothing_are_not_tried_for_ever(narrow: Settings) -> None:
    async with serve(narrow) as site, open_browser(site) as stranger:
        wrong = {"Authorization": "Bearer krk_" + "x" * 43}
        assert [(await send(stranger, **wrong)).status for _ in range(5)] == [401] * 3 + [429] * 2


async def test_what_cannot_be_executed_is_counted_too(narrow: Settings) -> None:
    async with serve(narrow) as site, open_browser(site) as stranger:
        statuses = [(await send(stranger, {"query": "{ nothing }"})).status for _ in range(4)]
        assert statuses == [200] * 3 + [429]


@pytest.mark.parametrize(("trusted", "granted"), [("127.0.0.1", 6), ("192.0.2.1", 3)])
async def test_an_address_is_believed_only_of_a_proxy_we_know(narrow: Settings, trusted: str, granted: int) -> None:
    settings = narrow.model_copy(update={"forwarded_allow_ips": trusted})
    async with serve(settings) as site, open_browser(site) as stranger:
        statuses = [(await send(stranger, **{"X-Forwarded-For": f"198.51.100.{n % 2}"})).status for n in range(8)]
        assert statuses.count(200) == granted


async def test_operations_on_a_socket_are_counted_in_the_same_bucket(narrow: Settings) -> None:
    async with serve(narrow) as site, signed_in(site, await site.add_pilot(ME)) as browser:
        for _ in range(4):
            await send(browser)
        async with open_socket(browser) as client:
            await client.initialise()
            await client.subscribe("1", "{ __typename }")
            message = await client.receive()
            assert message["payload"]["extensions"]["cost"]["requestedQueryCost"] == 1
            await client.receive()
            await client.subscribe("2", "{ __typename }")
            message = await client.receive()
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")
            await client.settle()


async def test_without_redis_nobody_is_limited(narrow: Settings, caplog: pytest.LogCaptureFixture) -> None:
    nobody = narrow.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    async with serve(nobody) as site, open_browser(site) as stranger:
        for _ in range(8):
            response = await send(stranger)
            assert response.status == 200
            assert "RateLimit" not in response.headers
        assert (await response.json())["extensions"]["cost"] == {"requestedQueryCost": 1}
    warnings = [record for record in caplog.records if "requests are not limited" in record.message]
    assert len(warnings) == 1, "Redis is left alone for a while"


@pytest.fixture
async def bucket(redis_url: str, narrow: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RateLimits]:
    monkeypatch.setattr(rate_limits, "PATIENCE_SECONDS", 10.0)  # how a Redis counts is asked, not how soon it answers
    client = redis.asyncio.from_url(redis_url)
    yield RateLimits(client, narrow)
    await client.aclose()


async def take(limits: RateLimits, cost: int = 1, account_id: int = 1) -> Verdict:
    verdict = await limits.take(limits.identity(Caller(account_id, ()), ""), cost)
    assert verdict is not None
    return verdict


async def test_no_two_takers_get_the_same_token(bucket: RateLimits) -> None:
    verdicts = await asyncio.gather(*(take(bucket) for _ in range(40)))
    assert sum(verdict.granted for verdict in verdicts) == 5


async def test_a_caller_that_goes_away_harms_no_limit(redis_url: str, narrow: Settings) -> None:
    for steps in range(20):
        client = redis.asyncio.from_url(redis_url)
        limits = RateLimits(client, narrow)
        taking = asyncio.create_task(take(limits, 0, account_id=steps))
        for _ in range(steps):
            await asyncio.sleep(0)
        if taking.cancel():
            assert (await asyncio.gather(taking, return_exceptions=True))[0].__class__ is asyncio.CancelledError
        assert (await take(limits, account_id=steps)).granted
        await client.aclose()


async def test_a_bucket_fills_again_as_time_passes(bucket: RateLimits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "WINDOW_SECONDS", 1)
    while (await take(bucket)).granted:
        pass

    async with asyncio.timeout(10):
        while not (await take(bucket)).granted:  # noqa: ASYNC110 - Redis' own clock
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("198.51.100.7", "address:198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:0db8:0001:0002::/64"),
        ("::ffff:198.51.100.7", "address:198.51.100.7"),
        ("testclient", "address:unknown"),
    ],
)
async def test_a_household_is_one_address(bucket: RateLimits, address: str, name: str) -> None:
    assert bucket.identity(None, address).name == name
