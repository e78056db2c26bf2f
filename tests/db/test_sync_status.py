"""Where a sync stands, as the page reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import orjson
import pytest

from db.syncs.status import characters

PILOT = 90_000_001


@pytest.mark.parametrize(
    ("interval", "told"),
    [(900, "Up to date; checked every hour as long as no new killmails arrive"), (3600, "Up to date; next check at ")],
)
async def test_looks_an_hour_apart_are_an_idle_pilots_only_where_others_are_looked_at_more_often(
    pool: asyncpg.Pool, interval: int, told: str
) -> None:
    now = datetime.now(UTC)
    await pool.execute(
        "WITH one AS (INSERT INTO accounts DEFAULT VALUES RETURNING account_id)"
        " INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, sync_state, sync_detail,"
        " last_killmail_sync_at) SELECT $1, account_id, 'Pilot', 'owner', '{}', 'valid', 'ok', $2, $3 FROM one",
        PILOT,
        orjson.dumps({"until": now + timedelta(hours=1)}).decode(),
        now,
    )
    [shown] = await characters(pool, [PILOT], interval)
    assert shown.status.message.startswith(told)
