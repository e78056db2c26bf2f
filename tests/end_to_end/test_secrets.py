"""No token, secret or killmail hash shows up anywhere it can be read: a whole run, faults included, is searched."""

from __future__ import annotations

import base64
import re

import asyncpg
from google.protobuf.json_format import MessageToJson

from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot, eventually
from settings import Settings
from temporal.connection import connect_temporal

FAULTS = (
    {"kind": "status", "route": "/killmails/{killmail_id}/{killmail_hash}", "status": 503, "count": 3},
    {"kind": "html_502", "route": "/killmails/{killmail_id}/{killmail_hash}", "count": 2},
    {"kind": "truncated", "route": "/killmails/{killmail_id}/{killmail_hash}", "count": 2},
    {"kind": "reset", "route": "/killmails/{killmail_id}/{killmail_hash}", "count": 2},
    {"kind": "status", "route": "/killmails/{killmail_id}/{killmail_hash}", "status": 422, "count": 2},
    {"kind": "status", "route": "/universe/names", "status": 500, "count": 1},
    {"kind": "truncated", "route": "/api/{path}", "count": 1},
    {"kind": "status", "route": "/v2/oauth/token", "status": 500, "count": 1},
)


async def histories(settings: Settings) -> str:
    """Every workflow history as text, payloads decoded."""
    client = await connect_temporal(settings)
    text = []
    async for workflow in client.list_workflows():
        handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        async for event in handle.fetch_history_events():
            rendered = MessageToJson(event)
            text.append(rendered)
            text += [base64.b64decode(data).decode() for data in re.findall(r'"data": "([^"]+)"', rendered)]
    return "\n".join(text)


async def everything_in_the_database(database: asyncpg.Connection[asyncpg.Record], except_table: str) -> str:
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = []
    for (table,) in tables:
        if table != except_table:
            rows += await database.fetch(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608 - our own names
    return "\n".join(row[0] for row in rows)


async def imported_and_added(pilot: Pilot, eve: SandboxEve, character_id: int) -> str:
    """What a pilot reads while they import from zKillboard, and add killmails by links with hashes in them."""
    start = (
        "mutation S($id: ID!) { startZkillboardImport(characterId: $id) { import { message } userErrors { code } } }"
    )
    ask = "query A($id: ID!) { zkillboardImport(characterId: $id) { state message account { new } } }"
    add = "mutation L($link: String!) { addKillmail(link: $link) { wasHere userErrors { code message } } }"
    read = [str(await pilot.ask(start, id=character_id))]

    async def is_over() -> bool:
        read.append(str(await pilot.ask(ask, id=character_id)))
        return "DONE" in read[-1]

    await eventually(is_over, "the import", seconds=90)
    known, other = eve.references(character_id)[:2]
    for killmail_hash in (known.killmail_hash, other.killmail_hash):
        link = f"{eve.url}/killmails/{known.killmail_id}/{killmail_hash}/"
        read.append(str(await pilot.ask(add, link=link)))
        form, origin = {"link": link}, {"Origin": pilot.site}
        async with pilot.session.post(f"{pilot.site}/settings/killmail", data=form, headers=origin) as response:
            assert response.status in (200, 409)
            read.append(await response.text())
    read.append(await pilot.page("/settings"))
    assert "WRONG_HASH" in "".join(read)
    return "".join(read)


async def test_no_secret_is_readable_after_a_full_run_with_faults(
    installation: Installation,
    pilot: Pilot,
    eve: SandboxEve,
    settings: Settings,
    environment: dict[str, str],
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    environment["LOG_LEVEL"] = "DEBUG"
    environment["ZKILLBOARD_INTERVAL_SECONDS"] = "0.02"
    for fault in FAULTS:
        eve.add_fault(**fault)
    await installation.start_api()
    await installation.start_worker()
    first, second = eve.pilots[0].character_id, eve.pilots[1].character_id
    page = ""
    async with pilot.session.get(f"{pilot.site}/auth/callback?code=forged-code&state=forged-state") as refused:
        page += await refused.text()
    eve.remove_faults("/v2/oauth/token")
    for character_id in (first, second):
        page += await pilot.log_in(character_id)

    async def killmails_arrived() -> bool:
        return int(await database.fetchval("SELECT count(*) FROM killmails")) > 100

    await eventually(killmails_arrived, "killmails, in spite of the faults", seconds=90)
    eve.revoke(second)
    await database.execute("UPDATE users SET expires_at = now() - interval '1 hour' WHERE character_id = $1", second)
    page += str(
        await pilot.ask("mutation Sync($id: ID!) { syncNow(characterId: $id) { userErrors { message } } }", id=second)
    )
    page += await pilot.page()
    page += str(await pilot.ask("{ me { characters { id name syncStatus { message } } } killmails { nodes { id } } }"))

    page += await imported_and_added(pilot, eve, first)

    secrets = {
        "access token": eve.issued_access_tokens(),
        "refresh token": eve.issued_refresh_tokens(),
        "authorization code": {"forged-code", "forged-state"},
        "client secret": {settings.eve_client_secret.get_secret_value()} - {""},
        "encryption key": {key.get_secret_value() for key in settings.token_encryption_keys},
        "session cookie": {cookie.value for cookie in pilot.session.cookie_jar},
        "killmail hash": {ref.killmail_hash for ref in eve.references(first)},
    }
    assert all(secrets[kind] for kind in ("access token", "refresh token", "session cookie", "killmail hash"))
    places = {
        "a workflow history": await histories(settings),
        "a log line": installation.logs(),
        # Who is on a killmail may have its in-game link, which holds the hash; nothing else does.
        "a page or an answer": re.sub(r"killReport:\d+:[0-9a-f]{40}", "", page),
        "a table": await everything_in_the_database(database, except_table="killmail_refs"),
    }
    found = {
        f"{kind} in {place}"
        for kind, values in secrets.items()
        for place, text in places.items()
        if any(value in text for value in values) and not (kind == "session cookie" and place == "a page or an answer")
    }
    assert not found
    assert all(places.values())
