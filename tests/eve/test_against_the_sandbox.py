"""The clients against the sandbox EVE at its real limits: what a pilot's first days come to."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qs, urlsplit

import aiohttp
import orjson
import pytest

from contracts.call_classes import CallClass
from eve.errors import (
    AccessTokenRejected,
    ErrorLimited,
    Forbidden,
    InvalidHash,
    NotFound,
    RateLimited,
    TokenRevoked,
    Unavailable,
)
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.killmail import KillmailRef
from eve.session import open_session
from eve.sso.client import Grant, Sso
from eve.sso.pkce import code_challenge, new_code_verifier
from eve.sso.scopes import CORPORATION_KILLMAIL_SCOPE, KILLMAIL_SCOPE
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from tests.eve.servers import CLIENT_ID, settings_for

LIST = "/characters/{character_id}/killmails/recent"
BODY = "/killmails/{killmail_id}/{killmail_hash}"
NAMES = "/universe/names"


@dataclass
class Clients:
    eve: SandboxEve
    session: aiohttp.ClientSession
    esi: Esi
    sso: Sso

    def token(self, character_id: int, *scopes: str) -> str:
        return self.eve.access_token(character_id, *(scopes or (KILLMAIL_SCOPE,)), client_id=CLIENT_ID)

    async def log_in(self, character_id: int, *scopes: str) -> Grant:
        verifier = new_code_verifier()
        url = await self.sso.authorization_url("the-state", code_challenge(verifier), scopes or [KILLMAIL_SCOPE])
        async with self.session.get(url) as page:
            html = await page.text()
        form = {
            unescape(name): unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html)
        }
        form["character_id"] = str(character_id)
        authorize = f"{self.eve.url}/v2/oauth/authorize"
        async with self.session.post(authorize, data=form, allow_redirects=False) as redirect:
            query = parse_qs(urlsplit(redirect.headers["Location"]).query)
        assert query["state"] == ["the-state"]
        return await self.sso.exchange_code(query["code"][0], verifier)

    def refusals(self) -> list[tuple[str, int]]:
        return [(request.route, request.status) for request in self.eve.requests if 400 <= request.status < 500]


@pytest.fixture
async def clients(budget: Budget) -> AsyncIterator[Clients]:
    async with SandboxEve(SandboxOptions()) as eve:
        settings = settings_for(eve.url)
        async with open_session(settings) as session:
            yield Clients(eve, session, Esi(session, budget, eve.url, CLIENT_ID), Sso(session, settings))


async def test_a_first_sync_is_whole_and_never_refused(clients: Clients) -> None:
    eve, esi = clients.eve, clients.esi
    pilot = eve.pilots[0].character_id
    grant = await clients.log_in(pilot)
    assert grant.character.character_id == pilot
    assert grant.character.scopes == {KILLMAIL_SCOPE}
    found = await esi.character_killmails(pilot, grant.access_token, {}, CallClass.FIRST_SYNC)
    assert {ref.killmail_id for ref in found.refs} == set(eve.listed_killmail_ids(pilot))
    assert len(found.refs) == 150
    assert found.fresh_until is not None

    bodies = await asyncio.gather(*(esi.killmail(ref, CallClass.FIRST_SYNC) for ref in found.refs))
    killmails = [orjson.loads(body) for body in bodies]
    assert killmails == [eve.killmail(ref.killmail_id) for ref in found.refs]

    people = {part.get("character_id", 0) for k in killmails for part in (k["victim"], *k["attackers"])}
    names = await esi.names(people | {k["solar_system_id"] for k in killmails}, CallClass.FIRST_SYNC)
    assert len(names.found) > 20
    assert names.unknown <= {0}
    system = await esi.solar_system(killmails[0]["solar_system_id"], CallClass.LIVE)
    assert -1 <= system.security_status <= 1
    assert {a.character_id for a in await esi.affiliations(people - {0}, CallClass.LIVE)} == people - {0}
    assert (await esi.server_status()).players > 0
    assert clients.refusals() == []

    etags = {number: page.etag for number, page in found.pages.items()}
    assert (await esi.character_killmails(pilot, grant.access_token, etags, CallClass.LIVE)).unchanged
    new = eve.add_killmail(pilot)
    eve.expire_lists()
    again = await esi.character_killmails(pilot, grant.access_token, etags, CallClass.LIVE)
    assert new.killmail_id in {ref.killmail_id for ref in again.refs}


async def test_more_than_a_page_while_the_pages_shift(clients: Clients) -> None:
    pilot = clients.eve.veteran.character_id
    before = set(clients.eve.listed_killmail_ids(pilot))
    clients.eve.shift_pages(pilot, after_page=1, add=3)
    found = await clients.esi.character_killmails(pilot, clients.token(pilot), {}, CallClass.LIVE)
    assert len(before) > 1000
    assert {ref.killmail_id for ref in found.refs} >= before
    assert len(found.pages) >= 2


async def test_a_newcomers_history_is_empty(clients: Clients) -> None:
    pilot = clients.eve.newcomer.character_id
    found = await clients.esi.character_killmails(pilot, clients.token(pilot), {}, CallClass.LIVE)
    assert found.refs == ()


async def test_refusals_of_the_sandbox_are_told_apart(clients: Clients) -> None:
    eve, esi = clients.eve, clients.esi
    pilot = eve.pilots[0].character_id
    with pytest.raises(Forbidden):
        await esi.character_killmails(pilot, clients.token(pilot, CORPORATION_KILLMAIL_SCOPE), {}, CallClass.LIVE)
    with pytest.raises(AccessTokenRejected):
        await esi.character_killmails(pilot, "not-a-token", {}, CallClass.LIVE)
    first = eve.references(pilot)[0]
    with pytest.raises(InvalidHash):
        await esi.killmail(KillmailRef(first.killmail_id, "0" * 40), CallClass.LIVE)
    names = await esi.names([pilot, 97_999_998], CallClass.LIVE)
    assert [named.id for named in names.found] == [pilot]
    assert names.unknown == {97_999_998}


async def test_a_revoked_grant_and_a_sold_character(clients: Clients) -> None:
    first, second = (pilot.character_id for pilot in clients.eve.pilots[:2])
    grants = {
        pilot: await clients.log_in(pilot, KILLMAIL_SCOPE, CORPORATION_KILLMAIL_SCOPE) for pilot in (first, second)
    }
    tokens = {pilot: grant.refresh_token or "" for pilot, grant in grants.items()}
    refreshed = await clients.sso.refresh(tokens[first])
    before = await clients.sso.verified(refreshed.access_token or "")
    assert before.scopes == {KILLMAIL_SCOPE, CORPORATION_KILLMAIL_SCOPE}
    clients.eve.transfer(first)
    sold = await clients.log_in(first)
    assert sold.character.owner_hash != before.owner_hash
    clients.eve.revoke(first)
    with pytest.raises(TokenRevoked):
        await clients.sso.refresh(refreshed.refresh_token or "")
    await clients.sso.revoke(tokens[second])
    with pytest.raises(TokenRevoked):
        await clients.sso.refresh(tokens[second])


async def test_keys_may_roll_over_between_logins(clients: Clients) -> None:
    first, second = (pilot.character_id for pilot in clients.eve.pilots[:2])
    await clients.log_in(first)
    clients.eve.rotate_keys()
    clients.sso._documents._keys._tried_at -= 61  # a minute later
    assert (await clients.log_in(second)).character.character_id == second


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 503}, Unavailable),
        ({"kind": "html_502"}, Unavailable),
        ({"kind": "truncated"}, Unavailable),
        ({"kind": "reset", "count": 2}, Unavailable),  # aiohttp sends a GET once more on a new connection
        ({"kind": "rate_limited", "seconds": 7}, RateLimited),
        ({"kind": "rate_limited_bare"}, RateLimited),
        ({"kind": "error_limited", "seconds": 7}, ErrorLimited),
    ],
)
async def test_every_fault_has_its_error(clients: Clients, fault: dict[str, object], error: type[Exception]) -> None:
    pilot = clients.eve.pilots[0].character_id
    clients.eve.add_fault(**{"count": 1, **fault}, route=BODY)
    ref = clients.eve.references(pilot)[0]
    with pytest.raises(error) as raised:
        await clients.esi.killmail(KillmailRef(ref.killmail_id, ref.killmail_hash), CallClass.LIVE)
    assert type(raised.value) is error
    assert ref.killmail_hash not in f"{raised.value!s}{raised.value!r}{raised.value.__cause__!r}"


async def test_lookups_that_fail_stop_at_a_floor_and_esi_never_says_420(clients: Clients) -> None:
    eve = clients.eve
    eve.advance(60 - eve.world.clock.now() % 60)  # a fresh window

    async def fail() -> int:
        for failures in range(100):
            with contextlib.suppress(NotFound):
                try:
                    await clients.esi.solar_system(39_000_000 + failures, CallClass.LIVE)
                except ErrorLimited:
                    return failures
        return 100

    failures = sum(await asyncio.gather(*(fail() for _ in range(6))))
    assert failures == len(eve.requests_of("/universe/systems/{system_id}")) == 80
    assert eve.world.budgets.errors_left("127.0.0.1") >= 20
    with pytest.raises(ErrorLimited):
        await clients.esi.names([eve.pilots[0].character_id], CallClass.LIVE)
    assert 420 not in {record.status for record in eve.requests}


async def test_hammering_never_makes_esi_refuse(clients: Clients) -> None:
    pilot = clients.eve.pilots[0].character_id

    async def hammer() -> int:
        served = 0
        while True:
            try:
                await clients.esi.character_killmails(pilot, clients.token(pilot), {}, CallClass.LIVE)
            except RateLimited:
                return served
            served += 1

    served = sum(await asyncio.gather(*(hammer() for _ in range(5))))
    assert served == len(clients.eve.requests_of(LIST)) >= 11
    assert clients.refusals() == []
