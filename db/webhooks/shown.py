"""Webhooks as their owners see them, with their logs: never an address or a secret."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from db.webhooks.editions import schedule_of
from db.webhooks.hooks import Pause, Tells
from db.webhooks.schedule import Schedule
from db.webhooks.subjects import Subject, holds

LOGGED = 50
"""Deliveries that an owner is shown of each."""


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """A line of the log. `kind`: killmail, reimbursement, digest or test. `reason`: why it was not sent, or not yet."""

    kind: str
    killmail_id: int | None
    state: str
    reason: str | None
    status: int | None
    attempts: int
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownWebhook:
    """A webhook as its owner sees it. `works`: it may tell of its subject's killmails now.

    `target_host`: of a letter box what shows which it is. `is_confirmed`: mail may be sent to it, or it is none.
    `has_target`: its address was not thrown away: by who unsubscribed, or with a lost key (`db.accounts.lost_keys`).
    """

    webhook_id: int
    subject: Subject
    subject_id: int
    subject_name: str | None
    name: str
    chosen: dict[str, Any]
    target_host: str
    max_age_seconds: int
    burst: int
    quiet_from: int | None
    quiet_until: int | None
    tells: Tells
    created_at: datetime
    failing_since: datetime | None
    next_attempt_at: datetime | None
    paused: Pause | None
    paused_at: datetime | None
    works: bool
    digest: Schedule | None
    next_digest_at: datetime | None
    is_mail: bool
    is_confirmed: bool
    has_target: bool
    waiting: int
    deliveries: list[ShownDelivery]


_SHOWN = f"""
SELECT hook.*, {holds("$2")} AS works, digests.every, digests.hour, digests.weekday, digests.even_if_empty,
       digests.next_at, mail_recipients.webhook_id IS NOT NULL AS is_mail,
       mail_recipients.webhook_id IS NULL OR mail_recipients.confirmed_at IS NOT NULL AS is_confirmed,
       (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = hook.webhook_id AND d.state = 'waiting')
           AS waiting,
       (SELECT name FROM entities WHERE entity_id = hook.subject_id) AS subject_name
  FROM webhooks AS hook LEFT JOIN digests USING (webhook_id) LEFT JOIN mail_recipients USING (webhook_id)
 WHERE hook.account_id = $1 ORDER BY hook.webhook_id
"""  # noqa: S608 - constants
_LOG = """
SELECT hook.webhook_id,
       CASE WHEN logged.reimbursement_change_id IS NOT NULL THEN 'reimbursement'
            WHEN logged.digest_edition_id IS NOT NULL THEN 'digest'
            WHEN logged.killmail_id IS NULL THEN 'test' ELSE 'killmail' END AS kind,
       coalesce(logged.killmail_id, change.killmail_id) AS killmail_id, logged.state, logged.reason, logged.status,
       logged.attempts, logged.created_at, logged.settled_at
  FROM webhooks AS hook CROSS JOIN LATERAL (
       SELECT * FROM webhook_deliveries WHERE webhook_deliveries.webhook_id = hook.webhook_id
        ORDER BY webhook_delivery_id DESC LIMIT $2) AS logged
  LEFT JOIN reimbursement_changes AS change ON change.change_id = logged.reimbursement_change_id
 WHERE hook.account_id = $1 ORDER BY hook.webhook_id, logged.webhook_delivery_id DESC
"""


async def account_webhooks(pool: asyncpg.Pool, account_id: int, operators: Collection[int]) -> list[ShownWebhook]:
    """The account's webhooks, each with the last lines of its log. Two statements."""
    lines: dict[int, list[ShownDelivery]] = {}
    for row in await pool.fetch(_LOG, account_id, LOGGED):
        lines.setdefault(row["webhook_id"], []).append(ShownDelivery(*tuple(row)[1:]))
    return [_shown(row, lines) for row in await pool.fetch(_SHOWN, account_id, list(operators))]


def _shown(row: asyncpg.Record, lines: dict[int, list[ShownDelivery]]) -> ShownWebhook:
    return ShownWebhook(
        row["webhook_id"],
        Subject(row["subject"]),
        row["subject_id"],
        row["subject_name"],
        row["name"],
        orjson.loads(row["filter"]),
        row["target_host"],
        row["max_age_seconds"],
        row["burst"],
        row["quiet_from"],
        row["quiet_until"],
        Tells(row["tells"]),
        row["created_at"],
        row["failing_since"],
        row["next_attempt_at"],
        None if row["paused_reason"] is None else Pause(row["paused_reason"]),
        row["paused_at"],
        row["works"],
        None if row["every"] is None else schedule_of(row),
        row["next_at"],
        row["is_mail"],
        row["is_confirmed"],
        row["target"] is not None,
        row["waiting"],
        lines.get(row["webhook_id"], []),
    )
