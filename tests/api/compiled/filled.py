"""A site with varied killmails, asked by the planned reads and by graphql-core over plain dicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
from graphql import OperationType

from api.graphql.documents import InvalidDocument
from api.graphql.execution import Answer, Context, Executor, Operation, refusal_answer
from db.accounts.sessions import Caller
from db.intake.store import store_killmails
from db.killmails.cursors import position_cursor
from db.killmails.filter import EVERYTHING, Viewer
from db.universe.celestials import load_celestials
from db.universe.names import store_names, store_solar_systems
from db.values.prices import store_snapshot
from tests.api.compiled.counted import fallbacks, fallbacks_since
from tests.api.compiled.plain_killmails import PlainReads
from tests.api.compiled.varied_killmails import FRIEND, ME, OTHER, variety
from tests.api.running_site import Site
from tests.db.bodies import raw

CORPORATION = 98_000_001
ARRIVED = {number: position_cursor(number) for number in range(1, 6)}
"""What subscriptions are told of."""


async def fill(site: Site) -> None:
    """Some names are known, some not; some killmails are valued, some not."""
    pool = site.pool
    await store_killmails(pool, [raw(one) for one in variety()])
    names = [
        (ME, "character", 'Ada "the %s" Löwe\\'),
        (OTHER, "character", "O'Brien\u2028\x7f"),
        (CORPORATION, "corporation", "Corp"),
        (99_000_001, "alliance", "Alliance"),
        (500_001, "faction", "Caldari State"),
        (587, "inventory_type", "Rifter"),
        (670, "inventory_type", "Capsule"),
        (30_000_142, "solar_system", "Jita"),
    ]
    await store_names(pool, names, [FRIEND])
    await store_solar_systems(pool, [(30_000_142, 0.9459, 20_000_020)])
    await load_celestials(
        pool,
        [
            (40_009_076, "Jita", 30_000_142, 0, 0, 0),
            (40_009_082, "Jita IV - Moon 4", 30_000_142, 4e9 + 1, -2.5e11 + 3e9, 0.1),
            (40_334_542, "Thera", 31_000_005, 1, -2.5e11, 0.1),
        ],
    )
    await pool.execute("INSERT INTO character_details VALUES ($1, $2, 4.5)", ME, datetime(2010, 1, 2, tzinfo=UTC))
    await pool.execute("INSERT INTO corporation_details VALUES (98000001, '<C>')")
    await pool.execute("INSERT INTO hull_slots VALUES (587, 3, 3, 4, 3, 0, 0)")
    await pool.execute("INSERT INTO types VALUES (587, 25); INSERT INTO type_groups VALUES (25, 6, 'Frigate')")
    await pool.execute(
        "UPDATE killmails SET destroyed_value = 1.005, dropped_value = 0, fitted_value = 12345678901.5,"
        " total_value = 1e12, price_date = $1, priced_kinds = 1, item_kinds = 2, solo = true, npc = false,"
        " damage_done = 1200, top_damage_ordinal = 2 WHERE killmail_id = 2",
        date(2026, 1, 1),
    )
    for day, price in ((date(2025, 12, 1), Decimal("4.05")), (date(2026, 1, 2), Decimal(9))):
        await store_snapshot(pool, day, "", [(34, price, None), (24_692, Decimal(1_000_000), None)])
    for pilot in (ME, FRIEND):
        await site.add_pilot(pilot, await pool.fetchval("SELECT min(account_id) FROM accounts"))


async def ask(
    site: Site,
    query: str,
    variables: Mapping[str, Any],
    reads: Any = None,
    *,
    characters: tuple[int, ...] = (ME, FRIEND),
    executor: Executor | None = None,
) -> Answer:
    """An answer, by other `reads` than the site's own where some are given. Of a subscription: all it says of
    `ARRIVED`, by killmail."""
    services = site.services if reads is None else replace(site.services, compiled=reads)
    executor = executor or site.app.state.graphql
    context = Context(services, Caller(1, characters), None, "request")
    try:
        planned = await executor.plan(Operation(query, dict(variables), None), context)
        if planned.kind != OperationType.SUBSCRIPTION:
            return _plain(await executor.answer(planned, context))
        followed = executor.followed(planned)
        events = await services.compiled.arrived(followed, Viewer(characters), ARRIVED, EVERYTHING)
        told = {
            id_: await executor.event(planned, {followed.field_name: event}, context) for id_, event in events.items()
        }
    except InvalidDocument as invalid:
        return refusal_answer(invalid, context)
    return _plain({"data": {str(id_): answer for id_, answer in told.items()}})


def _plain(answer: Answer) -> Answer:
    read: Answer = orjson.loads(orjson.dumps(answer))
    return read


async def both(site: Site, query: str, **variables: Any) -> tuple[Answer, dict[str, float]]:
    """The answer of the planned reads, compared with that of graphql-core; and the fields that fell back."""
    before = fallbacks()
    planned = await ask(site, query, variables)
    fell_back = fallbacks_since(before)
    plain = await ask(site, query, variables, PlainReads(site.pool))
    assert json.dumps(planned, indent=1).splitlines() == json.dumps(plain, indent=1).splitlines()
    return planned, fell_back
