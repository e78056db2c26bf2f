"""A database as it is after weeks of use: a pilot's killmails with names, places and prices, and an enormous battle."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg

from db.corporations.directors import follow, note_role
from db.intake.store import store_killmails
from db.reimbursements.changes import change
from db.reimbursements.steps import State
from db.universe.celestials import load_celestials
from db.universe.hull_slots import load_hull_slots
from db.universe.names import store_names, store_solar_systems, unknown_entity_ids
from db.values.appraisal import appraise
from db.values.prices import store_snapshot
from eve.hull_slots import slots_of
from eve.sso.scopes import CORPORATION_SCOPES
from sandbox.eve.celestials import celestial_rows
from sandbox.eve.hulls import dogma
from sandbox.eve.server import SandboxEve
from sandbox.eve.universe import Universe
from tests.db.bodies import Body, raw

BATTLE_ATTACKERS = 3_700
BATTLE_ID = 200_000_001
PACKED_ID = 200_000_002


@dataclass(frozen=True)
class Furnished:
    """Who and what there is. `killmail_ids`: the first pilot's, newest first; `loss_id`: one where they were lost."""

    account_id: int
    pilot_id: int
    second_id: int
    corporation_id: int
    killmail_ids: list[int]
    loss_id: int
    alliance_id: int
    system_id: int
    ship_id: int
    fought_id: int
    """The last killmail of a battle of two fleets."""


async def furnish(pool: asyncpg.Pool, eve: SandboxEve) -> Furnished:
    """Store what a sync of the sandbox's first pilot brings, and what only a long life brings."""
    first, second = eve.pilots[0], eve.newcomer
    ids = eve.listed_killmail_ids(first.character_id)
    bodies = [await asyncio.to_thread(eve.killmail, killmail_id) for killmail_id in ids]
    bodies += [_battle(bodies[0], first.character_id), _packed(bodies[0], first.character_id)]
    rival = next(one for one in eve.pilots if one.alliance_id not in (None, first.alliance_id))
    # Both commanders belong to the account, so that it sees all of the fight.
    fought, _ = eve.world.fight(1, 30, (first.character_id, rival.character_id), ago=9 * 86_400)
    bodies += [killmail.parsed() for killmail in fought]
    await store_killmails(pool, [raw(body) for body in bodies])
    stored = [int(body["killmail_id"]) for body in bodies]
    await name_all(pool, eve.world.universe, stored)
    await store_names(pool, [(one.character_id, "character", one.name) for one in (first, second, rival)])
    await _price_all(pool, eve.world.universe)
    await appraise(pool, stored)
    account_id = await pool.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
    for one in (first, second, rival):
        await pool.execute(
            """
            INSERT INTO users (character_id, account_id, name, owner_hash, corporation_id, scopes, token_state,
                               sync_state, last_killmail_sync_at, first_synced_at)
            VALUES ($1, $2, $3, 'owner', $4, '{esi-killmails.read_killmails.v1}', 'valid', 'ok', now(), now())
            """,
            one.character_id,
            account_id,
            one.name,
            one.corporation_id,
        )
    await _tell(pool, account_id, first.character_id, ids[:12])
    lost = next(body for body in bodies if body["victim"].get("character_id") == first.character_id)
    assert first.alliance_id is not None
    return Furnished(
        account_id,
        first.character_id,
        second.character_id,
        first.corporation_id,
        ids,
        int(lost["killmail_id"]),
        first.alliance_id,
        int(lost["solar_system_id"]),
        int(lost["victim"]["ship_type_id"]),
        fought[-1].killmail_id,
    )


async def _tell(pool: asyncpg.Pool, account_id: int, character_id: int, killmail_ids: Sequence[int]) -> None:
    """A webhook that has paused itself, with a log, and a feed."""
    hook = await pool.fetchval(
        """
        INSERT INTO webhooks (account_id, subject, subject_id, name, filter, target_host, max_age_seconds, burst,
                              quiet_from, quiet_until, bookmark, paused_reason, paused_at, target, secret)
        VALUES ($1, 'character', $2, 'The corporation''s channel', '{"side": "VICTIM", "minValue": "100000000"}',
                'discord.com', 7200, 10, 1320, 420, 0, 'failed', now(), 'x', 'x')
        RETURNING webhook_id
        """,
        account_id,
        character_id,
    )
    outcomes = (("sent", None, 204), ("skipped", "too_old", None), ("waiting", "HTTP 503", 503))
    await pool.executemany(
        "INSERT INTO webhook_deliveries (webhook_id, killmail_id, state, reason, status) VALUES ($1, $2, $3, $4, $5)",
        [(hook, killmail_id, *outcomes[n % len(outcomes)]) for n, killmail_id in enumerate(killmail_ids)],
    )
    await pool.execute(
        """
        WITH made AS (
            INSERT INTO webhooks (account_id, subject, subject_id, name, target_host, max_age_seconds, burst, bookmark,
                                  tells, target, secret)
            VALUES ($1, 'character', $2, 'My week', 'a…@example.com', 7200, 10, 0, 'digests', 'x', 'x')
            RETURNING webhook_id
        ), timed AS (
            INSERT INTO digests (webhook_id, every, hour, weekday, next_at)
            SELECT webhook_id, 'week', 11, 7, now() + interval '2 days' FROM made
        )
        INSERT INTO mail_recipients (webhook_id, token_hash) SELECT webhook_id, 'x' FROM made
        """,
        account_id,
        character_id,
    )
    await pool.execute(
        "INSERT INTO killmail_feeds (account_id, token_hash, subject, subject_id, name)"
        " VALUES ($1, 'x', 'character', $2, 'Losses')",
        account_id,
        character_id,
    )


async def claim_losses(pool: asyncpg.Pool, there: Furnished, director_id: int, director_account_id: int) -> None:
    """The pilot claims what they lost, and a director of their corporation decides on some of it."""
    await pool.execute(
        "UPDATE users SET corporation_id = $2, scopes = $3 WHERE character_id = $1",
        director_id,
        there.corporation_id,
        [*CORPORATION_SCOPES],
    )
    await follow(pool, director_id)
    await note_role(pool, there.corporation_id, director_id)
    lost = await pool.fetch(
        "SELECT killmail_id FROM participants WHERE character_id = $1 AND ordinal = 0 AND corporation_id = $2"
        " ORDER BY killmail_id = $3 DESC, killmail_time DESC LIMIT 4",
        there.pilot_id,
        there.corporation_id,
        there.loss_id,
    )
    for number, row in enumerate(lost):
        await change(pool, there.account_id, row["killmail_id"], State.CLAIMED, 0, "Logistics came late <again>")
        for seen, after in enumerate((State.APPROVED, State.PAID)[:number], start=1):
            await change(pool, director_account_id, row["killmail_id"], after, seen, "As the doctrine says")


async def name_all(pool: asyncpg.Pool, universe: Universe, killmail_ids: Collection[int]) -> None:
    """Names, groups and places of all that these killmails mention."""
    ids = await unknown_entity_ids(pool, killmail_ids)
    found = [(entity_id, *named) for entity_id in ids if (named := universe.named(entity_id))]
    await store_names(pool, found)
    systems = universe.solar_systems.values()
    await store_solar_systems(pool, [(s.solar_system_id, s.security_status, s.constellation_id) for s in systems])
    await load_celestials(pool, celestial_rows())
    await load_hull_slots(pool, [slots_of(entry) for entry in dogma()])
    await pool.executemany(
        "INSERT INTO constellations (constellation_id, region_id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [(one.constellation_id, one.region_id, one.name) for one in universe.constellations.values()],
    )
    await pool.executemany(
        "INSERT INTO regions (region_id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING", [*universe.regions.items()]
    )
    await pool.executemany(
        "INSERT INTO types (type_id, group_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [(one.type_id, one.group_id) for one in universe.types.values()],
    )
    await pool.executemany(
        "INSERT INTO type_groups (group_id, category_id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [(one.group_id, one.category_id, one.name) for one in universe.groups.values()],
    )
    await pool.executemany(
        "INSERT INTO type_categories (category_id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [*universe.categories.items()],
    )
    await pool.executemany(
        "INSERT INTO corporation_details (corporation_id, ticker) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [(one.corporation_id, one.ticker) for one in universe.corporations.values()],
    )
    await pool.executemany(
        "INSERT INTO alliance_details (alliance_id, ticker) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [(one.alliance_id, one.ticker) for one in universe.alliances.values()],
    )


async def _price_all(pool: asyncpg.Pool, universe: Universe) -> None:
    prices = [(type_id, Decimal(1_000 + type_id * 7_919 % 40_000_000), None) for type_id in universe.types]
    await store_snapshot(pool, datetime.now(UTC).date() - timedelta(days=100), "", prices)


def _battle(like: Body, character_id: int) -> Body:
    """The loss of a pilot against thousands."""
    attacker = {**like["attackers"][0], "final_blow": False}
    crowd = [
        {**attacker, "character_id": 95_000_000 + number, "damage_done": BATTLE_ATTACKERS - number}
        for number in range(BATTLE_ATTACKERS)
    ]
    crowd[-1]["final_blow"] = True
    return {
        **like,
        "killmail_id": BATTLE_ID,
        "victim": {**like["victim"], "character_id": character_id},
        "attackers": crowd,
    }


def _packed(like: Body, character_id: int) -> Body:
    """A loss with charges in its modules, a container in its hold, and more kinds of cargo than one looks at."""
    fitted = [
        {"item_type_id": 2889, "flag": 27, "singleton": 0, "quantity_destroyed": 1},
        {"item_type_id": 222, "flag": 27, "singleton": 0, "quantity_destroyed": 90},
        {"item_type_id": 2889, "flag": 28, "singleton": 0, "quantity_destroyed": 1},
        {"item_type_id": 222, "flag": 28, "singleton": 0, "quantity_dropped": 110},
        {"item_type_id": 438, "flag": 19, "singleton": 0, "quantity_dropped": 1},
    ]
    held = [{"item_type_id": 34, "flag": 0, "singleton": 0, "quantity_dropped": 1_234_567}]
    cargo = [{"item_type_id": 3467, "flag": 5, "singleton": 1, "quantity_dropped": 1, "items": held}]
    cargo += [
        {"item_type_id": 60_000 + kind, "flag": 5, "singleton": 0, "quantity_destroyed": 1 + kind}
        for kind in range(400)
    ]
    victim = {**like["victim"], "character_id": character_id, "items": [*fitted, *cargo]}
    return {**like, "killmail_id": PACKED_ID, "victim": victim}
