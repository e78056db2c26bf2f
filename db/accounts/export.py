"""Everything that is stored about an account except the tokens: what its pilot may take along.

Each thing is a dict with its `kind`. Killmails come in pages, so that neither memory nor a connection is held for
long by whoever reads slowly.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from db.visibility import NOT_SOLD

Thing = dict[str, Any]
PAGE = 200
_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), 0)

# The account's rows of each table; the columns of secrets (tokens, hashes of cookies and keys) are not among them.
_OF_ACCOUNT = {
    "account": "SELECT account_id, created_at FROM accounts WHERE account_id = $1",
    "character": """
        SELECT character_id, name, owner_hash, corporation_id, alliance_id, visibility, scopes, token_state,
               created_at, last_login_at, last_killmail_sync_at, first_synced_at, last_full_sync_at,
               last_new_killmail_at, sync_state
          FROM users WHERE account_id = $1 ORDER BY character_id""",
    "session": """
        SELECT session_id, client, created_at, last_seen_at, expires_at
          FROM sessions WHERE account_id = $1 ORDER BY session_id""",
    "api_key": """
        SELECT api_key_id, name, hint, scopes, created_at, last_used_at
          FROM api_keys WHERE account_id = $1 ORDER BY api_key_id""",
    "share_link": """
        SELECT share_link_id, subject, subject_id, sides, created_at, last_used_at
          FROM share_links WHERE account_id = $1 ORDER BY share_link_id""",
    "saved_filter": """
        SELECT saved_filter_id, name, query FROM saved_filters WHERE account_id = $1 ORDER BY saved_filter_id""",
    "webhook": """
        SELECT webhook_id, subject, subject_id, name, filter, target_host, max_age_seconds, burst, quiet_from,
               quiet_until, tells, created_at, paused_reason, paused_at
          FROM webhooks WHERE account_id = $1 ORDER BY webhook_id""",
    "digest": """
        SELECT webhook_id, every, hour, weekday, even_if_empty, next_at, confirmed_at
          FROM digests JOIN webhooks USING (webhook_id) LEFT JOIN mail_recipients USING (webhook_id)
         WHERE account_id = $1 ORDER BY webhook_id""",
    "archive_history": """
        SELECT asked_at, reached, finished_at FROM history_requests WHERE account_id = $1""",
    "feed": """
        SELECT feed_id, subject, subject_id, name, filter, created_at, last_used_at
          FROM killmail_feeds WHERE account_id = $1 ORDER BY feed_id""",
    "reimbursement": """
        SELECT killmail_id, character_id, corporation_id, state, changed_at FROM reimbursements
         WHERE character_id IN (SELECT character_id FROM users WHERE account_id = $1) ORDER BY killmail_id""",
    "reimbursement_change": """
        SELECT killmail_id, number, before, after, note, by_character_id, role, changed_at FROM reimbursement_changes
         WHERE by_character_id IN (SELECT character_id FROM users WHERE account_id = $1) OR killmail_id IN (
               SELECT killmail_id FROM reimbursements
                WHERE character_id IN (SELECT character_id FROM users WHERE account_id = $1)) ORDER BY change_id""",
    "visibility_change": """
        SELECT at, by_character_id, board_id, "from", "to" FROM visibility_changes
         WHERE by_character_id IN (SELECT character_id FROM users WHERE account_id = $1)
            OR board_id IN (SELECT character_id FROM users WHERE account_id = $1) ORDER BY visibility_change_id""",
    "operator_order": """
        SELECT at, by_character_id, action, subject, outcome FROM admin_actions
         WHERE by_character_id IN (SELECT character_id FROM users WHERE account_id = $1) ORDER BY admin_action_id""",
    "corporation_followed": """
        SELECT d.corporation_id, d.character_id, d.standing, d.marked_at, d.role_seen_at, d.used_at
          FROM corporation_directors d JOIN users USING (character_id)
         WHERE account_id = $1 ORDER BY d.corporation_id, d.character_id""",
    "login": """
        SELECT at, character_id, outcome, network FROM login_events
         WHERE character_id IN (SELECT character_id FROM users WHERE account_id = $1) ORDER BY at""",
    "sync_run": """
        SELECT run_id, character_id, kind, started_at, finished_at, listed, new, stored, pending, failed
          FROM sync_runs JOIN users USING (character_id) WHERE account_id = $1 ORDER BY run_id""",
    "zkillboard_import": """
        SELECT character_id, state, failure, started_at, finished_at, listed, new, stored, pending, failed, unusable
          FROM zkillboard_imports JOIN users USING (character_id) WHERE account_id = $1 ORDER BY character_id""",
}
_KILLMAILS = """
SELECT killmail_time, killmail_id, killmail_bodies.body::text AS body
  FROM (SELECT DISTINCT killmail_time, killmail_id FROM participants
         WHERE character_id = ANY ($1) AND (killmail_time, killmail_id) > ($2, $3)
         ORDER BY killmail_time, killmail_id LIMIT $4) AS page
  JOIN killmail_bodies USING (killmail_id)
 ORDER BY killmail_time, killmail_id
"""


async def account_things(pool: asyncpg.Pool, account_id: int) -> AsyncIterator[Thing]:
    """Everything of the account, then the killmails its characters are on, oldest first, as ESI gave them.

    Of a character with another owner in EVE it is what was done with it here, and no killmail.
    """
    for kind, query in _OF_ACCOUNT.items():
        for row in await pool.fetch(query, account_id):
            yield {"kind": kind, **row}
    rows = await pool.fetch(f"SELECT character_id FROM users WHERE account_id = $1 AND {NOT_SOLD}", account_id)  # noqa: S608 - a constant
    after = _BEFORE_ALL
    while page := await pool.fetch(_KILLMAILS, [row["character_id"] for row in rows], *after, PAGE):
        for row in page:
            yield {"kind": "killmail", "killmail": orjson.Fragment(row["body"])}
        after = (page[-1]["killmail_time"], page[-1]["killmail_id"])
