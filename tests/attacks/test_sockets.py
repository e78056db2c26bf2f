"""The matrix over a socket: what each caller may follow, and that nothing of another's comes along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from api.graphql.websocket import SUBPROTOCOL
from db.killmails.cursors import position_cursor
from tests.api.live.socket_client import SocketClient
from tests.attacks.asking import document, of_answer
from tests.attacks.belongings import ME
from tests.attacks.callers import NOBODY, Caller, person
from tests.attacks.graphql_rows import QUERIES
from tests.attacks.rows import Operation
from tests.attacks.world import CHARACTERS, LAST_KILLMAIL, SEEN_BY, World, leaked

FOLLOWERS = [caller for caller in Caller if caller not in NOBODY | {Caller.REVOKED_KEY, Caller.OTHER_SITE}]
ADDED = """subscription Added($filter: KillmailFilter, $after: String) {
  killmailAdded(filter: $filter, after: $after) {
    id value { total } victim { character { id name } } attackers { character { id name } } relatedKillmail { id }
  }
}"""
PROGRESS = "subscription Progress($id: ID) { syncProgress(characterId: $id) { characterId name } }"


@asynccontextmanager
async def socket_of(world: World, caller: Caller) -> AsyncIterator[SocketClient]:
    proof = world.proofs[caller]
    headers = dict(proof.headers)
    if proof.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in proof.cookies.items())
    async with world.http.ws_connect(
        f"{world.site.address}/graphql", protocols=[SUBPROTOCOL], headers=headers
    ) as socket:
        yield SocketClient(socket)


def test_every_subscription_is_asked_for(world: World) -> None:
    assert set(world.site.app.state.schema.subscription_type.fields) == {"killmailAdded", "syncProgress"}


@pytest.mark.parametrize("caller", [*sorted(NOBODY), Caller.REVOKED_KEY])
async def test_nobody_gets_a_socket(world: World, caller: Caller) -> None:
    async with socket_of(world, caller) as client:
        await client.send({"type": "connection_init"})
        assert await client.closed_with() == 4401


async def test_another_site_gets_no_socket(world: World) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        async with socket_of(world, Caller.OTHER_SITE):
            pass


@pytest.mark.parametrize("caller", FOLLOWERS)
@pytest.mark.parametrize("chosen", [{"scope": "VISIBLE"}, {"characterId": str(ME)}], ids=["all", "Ada's"])
async def test_the_stream_sends_what_one_may_see(world: World, caller: Caller, chosen: dict[str, str]) -> None:
    async with socket_of(world, caller) as client:
        await client.initialise()
        await client.subscribe("1", ADDED, filter=chosen, after=position_cursor(0))
        told: list[str] = []
        while not told or f'"{LAST_KILLMAIL}"' not in told[-1]:
            message = await client.receive()
            if caller is Caller.SYNC_KEY:
                assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
                return
            assert message["type"] == "next", message
            told.append(str(message["payload"]).replace("'", '"'))
    assert leaked("".join(told), caller) == []
    own = SEEN_BY.get(person(caller), ()) if "scope" in chosen or person(caller) is Caller.PILOT else ()
    assert [secret.killmail_id for secret in own if str(secret.killmail_id) in told[0]] == [
        secret.killmail_id for secret in own
    ]
    assert len(told) == 1 + len(own)


@pytest.mark.parametrize("caller", FOLLOWERS)
async def test_a_sync_is_followed_by_its_account(world: World, caller: Caller) -> None:
    async with socket_of(world, caller) as client:
        await client.initialise()
        await client.subscribe("1", PROGRESS, id=str(ME))
        message = await client.receive()
        if person(caller) is not Caller.PILOT or caller is Caller.SYNC_KEY:
            assert message["payload"][0]["extensions"]["code"] == "FORBIDDEN"
            assert leaked(str(message), caller) == []
            if caller is not Caller.SYNC_KEY:
                await client.subscribe("2", PROGRESS)
                message = await client.receive()
                assert message["payload"]["data"]["syncProgress"]["characterId"] == str(CHARACTERS[person(caller)])
            return
        assert message["payload"]["data"]["syncProgress"]["characterId"] == str(ME)


@pytest.mark.parametrize("caller", FOLLOWERS)
async def test_queries_over_a_socket_are_those_over_http(world: World, caller: Caller) -> None:
    unexpected = []
    async with socket_of(world, caller) as client:
        await client.initialise()
        for row in QUERIES:
            outcome, text = await _asked(world, client, row)
            told = set(leaked(text, caller)) - set(row.tells if person(caller) in row.allowed else ())
            if told or outcome != row.expected(caller):
                unexpected.append((row.door, row.what, outcome, told))
    assert unexpected == []


async def _asked(world: World, client: SocketClient, row: Operation) -> tuple[str, str]:
    target = None if row.target is None else await row.target(world)
    await client.subscribe("1", document(world.site.app.state.schema, row, target))
    message = await client.receive()
    if message["type"] == "error":
        return of_answer({"errors": message["payload"]}, row, ""), str(message)
    await client.receive()
    return of_answer(message["payload"], row, str(message["payload"]["data"])), str(message)
