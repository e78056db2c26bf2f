"""The corporations of an account as its settings show them: how their syncs stand, and through whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from contracts.corporation_sentences import corporation_sentence, director_sentence
from contracts.corporations import NPC_CORPORATION_IDS, DirectorStanding
from contracts.sync import Progress, SyncState
from db.visibility import Visibility, corporation_visibility
from eve.sso.scopes import CORPORATION_SCOPES


@dataclass(frozen=True, slots=True)
class ShownDirector:
    """A character whose pilot switched the sync on, and whether it helps. `yours`: of the account that looks."""

    character_id: int
    name: str
    standing: DirectorStanding
    message: str
    yours: bool


@dataclass(frozen=True, slots=True)
class ShownCorporation:
    """A corporation of one of the account's characters.

    `switched_on`: one of the account's characters lets it be read; `may_decide`: and is a director in good standing,
    so the account decides who sees the board. `candidates`: its characters that could switch it on. The directors are
    shown to each other only: to none whose role EVE has not confirmed.
    """

    corporation_id: int
    name: str | None
    visibility: Visibility
    state: SyncState | None  # None: not followed
    message: str
    last_killmail_sync_at: datetime | None
    directors: tuple[ShownDirector, ...]
    switched_on: bool
    may_decide: bool
    candidates: tuple[int, ...]


async def account_corporations(pool: asyncpg.Pool, account_id: int) -> list[ShownCorporation]:
    """The player corporations that the account's characters are in, or switched on."""
    rows = await pool.fetch(
        """
        WITH mine AS (SELECT * FROM users WHERE account_id = $1),
             ids AS (SELECT corporation_id FROM mine
                      UNION SELECT d.corporation_id FROM corporation_directors d JOIN mine USING (character_id))
        SELECT ids.corporation_id, e.name, f.published, f.audience, f.sync_state, f.sync_detail ->> 'until' AS until,
               f.last_killmail_sync_at, run.total, run.done,
               (SELECT coalesce(jsonb_agg(jsonb_build_object('character_id', d.character_id, 'name', u.name,
                        'standing', d.standing, 'yours', u.account_id = $1, 'valid', u.token_state = 'valid',
                        'confirmed', d.role_seen_at IS NOT NULL)
                        ORDER BY d.character_id), '[]')
                  FROM corporation_directors d JOIN users u USING (character_id)
                 WHERE d.corporation_id = ids.corporation_id)::text AS directors,
               (SELECT coalesce(array_agg(character_id ORDER BY character_id), '{}') FROM mine
                 WHERE mine.corporation_id = ids.corporation_id AND token_state = 'valid' AND scopes @> $2
               ) AS candidates
          FROM ids
          LEFT JOIN corporations_followed f USING (corporation_id)
          LEFT JOIN entities e ON e.entity_id = ids.corporation_id
          LEFT JOIN LATERAL (
                SELECT cardinality(r.killmail_ids) AS total,
                       (SELECT count(*) FROM killmails k WHERE k.killmail_id = ANY (r.killmail_ids)) AS done
                  FROM sync_runs r WHERE r.corporation_id = ids.corporation_id AND r.finished_at IS NULL
                 ORDER BY r.run_id DESC LIMIT 1) run ON true
         WHERE ids.corporation_id IS NOT NULL
         ORDER BY ids.corporation_id
        """,
        account_id,
        sorted(CORPORATION_SCOPES),
    )
    return [_corporation(row) for row in rows if row["corporation_id"] not in NPC_CORPORATION_IDS]


async def boards(pool: asyncpg.Pool, corporation_ids: Collection[int]) -> list[tuple[int, str]]:
    """These corporations with their names, by name."""
    if not corporation_ids:
        return []
    rows = await pool.fetch("SELECT entity_id, name FROM entities WHERE entity_id = ANY ($1)", list(corporation_ids))
    names = {row["entity_id"]: row["name"] for row in rows}
    found = [(one, names.get(one) or f"Unknown corporation {one}") for one in corporation_ids]
    return sorted(found, key=lambda board: board[1])


def _corporation(row: asyncpg.Record) -> ShownCorporation:
    found = orjson.loads(row["directors"])
    directors = tuple(
        ShownDirector(
            one["character_id"],
            one["name"],
            DirectorStanding(one["standing"]),
            director_sentence(DirectorStanding(one["standing"]), confirmed=one["confirmed"]),
            one["yours"],
        )
        for one in found
    )
    is_director = any(_is_director(one) for one in found if one["yours"])
    state = SyncState(row["sync_state"]) if directors and row["sync_state"] else None
    progress = Progress(row["done"], row["total"]) if row["total"] else None
    until = datetime.fromisoformat(row["until"]) if row["until"] else None
    switched_on = any(one.yours for one in directors)
    return ShownCorporation(
        corporation_id=row["corporation_id"],
        name=row["name"],
        visibility=corporation_visibility(published=state is not None and row["published"], audience=row["audience"]),
        state=state,
        message="Not followed." if state is None else corporation_sentence(state, until, progress),
        last_killmail_sync_at=row["last_killmail_sync_at"],
        directors=directors if is_director else tuple(one for one in directors if one.yours),
        switched_on=switched_on,
        may_decide=any(_is_director(one) and one["valid"] for one in found if one["yours"]),
        candidates=tuple(row["candidates"]),
    )


def _is_director(one: Mapping[str, Any]) -> bool:
    """By EVE's own word."""
    return bool(one["confirmed"]) and one["standing"] == DirectorStanding.GOOD
