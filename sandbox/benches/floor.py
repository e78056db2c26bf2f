"""The floor that a read is measured against: the same JSON, built by one prepared statement, through bare Starlette.

    uvicorn --factory sandbox.benches.floor:app   (DATABASE_URL)

It knows no session, no limits, no errors: what nobody could do with less.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_NAMED = "(SELECT name FROM entities WHERE entity_id = {id})"


def _thing(column: str) -> str:
    named = _NAMED.format(id=column)
    return f"CASE WHEN {column} IS NOT NULL THEN json_build_object('id', {column}::text, 'name', {named}) END"


def _who(row: str, *more: str) -> str:
    things = [
        f"'{field}', {_thing(f'{row}.{column}')}"
        for field, column in (
            ("character", "character_id"),
            ("corporation", "corporation_id"),
            ("ship", "ship_type_id"),
        )
    ]
    return f"json_build_object({', '.join([*things, *more])})"


_ATTACKERS = f"""(
    SELECT json_agg({_who("one", "'damageDone', one.damage", "'finalBlow', one.final_blow")} ORDER BY one.ordinal)
    FROM participants AS one WHERE one.killmail_id = killmails.killmail_id AND NOT one.is_victim
)"""  # noqa: S608 - made of constants
_KILLMAIL = f"""json_build_object(
    'id', killmails.killmail_id::text,
    'time', to_char(killmails.killmail_time, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'attackerCount', killmails.attacker_count,
    'value', json_build_object(
        'destroyed', to_char(killmails.destroyed_value, 'FM999999999999990.00'),
        'dropped', to_char(killmails.dropped_value, 'FM999999999999990.00'),
        'total', to_char(killmails.total_value, 'FM999999999999990.00')
    ),
    'solarSystem', json_build_object(
        'id', killmails.solar_system_id::text, 'name', {_NAMED.format(id="killmails.solar_system_id")},
        'securityStatus', (SELECT security_status FROM solar_systems AS place
            WHERE place.solar_system_id = killmails.solar_system_id)
    ),
    'victim', (SELECT {_who("one", "'damageTaken', one.damage")} FROM participants AS one
        WHERE one.killmail_id = killmails.killmail_id AND one.ordinal = 0),
    'finalBlow', (SELECT {_who("one", f"'weapon', {_thing('one.weapon_type_id')}")} FROM participants AS one
        WHERE one.killmail_id = killmails.killmail_id AND one.final_blow),
    'attackers', {_ATTACKERS}
)"""  # noqa: S608 - made of constants
FEED = f"""
SELECT json_build_object('data', json_build_object('killmails', json_build_object('nodes', coalesce(json_agg(
    {_KILLMAIL} ORDER BY killmails.killmail_time DESC, killmails.killmail_id DESC
), '[]'))))::text
FROM killmails
WHERE killmails.killmail_id IN (
    SELECT killmail_id FROM (
        SELECT DISTINCT ON (killmail_time, killmail_id) killmail_time, killmail_id
        FROM participants WHERE character_id = $1::bigint
        ORDER BY killmail_time DESC, killmail_id DESC LIMIT $2::bigint
    ) AS page
)
"""  # noqa: S608 - made of constants
KILLMAIL = f"""
SELECT json_build_object('data', json_build_object('killmail', {_KILLMAIL}))::text
FROM killmails WHERE killmails.killmail_id = $1::bigint
"""  # noqa: S608 - made of constants
# Only that they are counted and added up; the answer says less than KillReport's.
TOTALS = """
SELECT json_build_object('killmails', count(*), 'isk', sum(total_value))::text
FROM killmails
WHERE killmail_id IN (SELECT killmail_id FROM participants WHERE corporation_id = $1::bigint)
"""
PREFIX = """
SELECT coalesce(json_agg(json_build_object('id', entity_id::text, 'name', name)), '[]')::text
FROM (
    SELECT entity_id, name FROM entities
    WHERE lower(name) >= lower($1) AND lower(name) < lower($1) || chr(1114111)
    ORDER BY lower(name) LIMIT 10
) AS found
"""


async def feed(request: Request) -> Response:
    """`{"id": …}`: a character's newest 50 killmails."""
    asked = orjson.loads(await request.body())
    text = await request.app.state.pool.fetchval(FEED, int(asked["id"]), int(asked.get("first", 50)))
    return Response(text, media_type="application/json")


async def killmail(request: Request) -> Response:
    """`{"id": …}`: a killmail."""
    asked = orjson.loads(await request.body())
    text = await request.app.state.pool.fetchval(KILLMAIL, int(asked["id"]))
    return Response(text, media_type="application/json")


async def totals(request: Request) -> Response:
    """`{"id": …}`: a corporation's killmails, counted and added up."""
    asked = orjson.loads(await request.body())
    text = await request.app.state.pool.fetchval(TOTALS, int(asked["id"]))
    return Response(text, media_type="application/json")


async def prefix(request: Request) -> Response:
    """`{"id": …}`: what has a name that begins so."""
    asked = orjson.loads(await request.body())
    text = await request.app.state.pool.fetchval(PREFIX, asked["id"])
    return Response(text, media_type="application/json")


def app() -> Starlette:
    """The application."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        settings = {"jit": "off", "timezone": "UTC"}
        async with asyncpg.create_pool(
            os.environ["DATABASE_URL"], min_size=1, max_size=10, server_settings=settings
        ) as pool:
            app.state.pool = pool
            yield

    routes = [Route(f"/{read.__name__}", read, methods=["POST"]) for read in (feed, killmail, totals, prefix)]
    return Starlette(routes=routes, lifespan=lifespan)
