"""Webhooks as their owners have them: made, listed, paused, tested, deleted. Their secrets are never read back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import asyncpg
import orjson

from db.accounts.vault import TokenVault
from db.killmails.filter import KillmailFilter
from db.killmails.filter_json import filter_to_json
from db.webhooks.subjects import Subject, holds

MOST_WEBHOOKS = 20
"""Of one account."""
LOGGED = 50
"""Deliveries that an owner is shown of each."""
LONGEST_NAME = 60
AGES = (timedelta(minutes=5), timedelta(days=1))
"""The least and the greatest age of a killmail that is still told."""
MOST_BURST = 100
_MINUTES = 24 * 60


class Pause(StrEnum):
    """Why a webhook rests."""

    OWNER = "owner"
    FAILED = "failed"  # nothing got through for a day
    GONE = "gone"  # the target says that it is no more
    UNREADABLE = "unreadable"  # no key opens its address or its secret


class Tells(StrEnum):
    """What a webhook tells of. Claims are told of a corporation alone (`db.reimbursements`)."""

    KILLMAILS = "killmails"
    REIMBURSEMENTS = "reimbursements"
    BOTH = "both"


class NotYours(Exception):
    """The account is not, and does not direct, whose killmails these are."""


class TooManyWebhooks(Exception):
    """The account has `MOST_WEBHOOKS` already."""


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What a webhook is to be. `quiet`: minutes of the day (UTC) from and until which nothing is told."""

    subject: Subject
    subject_id: int
    name: str
    chosen: KillmailFilter
    target: str = field(repr=False)
    target_host: str = ""
    max_age: timedelta = timedelta(hours=2)
    burst: int = 10
    quiet: tuple[int, int] | None = None
    tells: Tells = Tells.KILLMAILS

    @property
    def is_sound(self) -> bool:
        """Every number is in its bounds, and it has a name."""
        shortest, longest = AGES
        return (
            0 < len(self.name) <= LONGEST_NAME
            and self.name.isprintable()
            and shortest <= self.max_age <= longest
            and 1 <= self.burst <= MOST_BURST
            and (self.tells is Tells.KILLMAILS or self.subject is Subject.CORPORATION)
            and (self.quiet is None or (all(0 <= one < _MINUTES for one in self.quiet) and len(set(self.quiet)) == 2))
        )


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """A line of the log. `kind`: killmail, reimbursement or test. `reason`: why it was not sent, or not yet."""

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
    """A webhook as its owner sees it. `works`: it may tell of its subject's killmails now."""

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
    waiting: int
    deliveries: list[ShownDelivery]


async def create_webhook(
    pool: asyncpg.Pool, vault: TokenVault, account_id: int, new: NewWebhook, secret: str, operators: Collection[int]
) -> int:
    """Make a webhook that tells of what arrives from now on; its id.

    Raises:
        NotYours: it would have nothing to tell.
        TooManyWebhooks: one must be deleted first.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts WHERE account_id = $1 FOR UPDATE", account_id)
        if (
            await connection.fetchval("SELECT count(*) FROM webhooks WHERE account_id = $1", account_id)
            >= MOST_WEBHOOKS
        ):
            raise TooManyWebhooks
        if not await connection.fetchval(
            f"SELECT {holds('$4')} FROM (VALUES ($1::bigint, $2::text, $3::bigint))"  # noqa: S608 - constants
            " AS hook(account_id, subject, subject_id)",
            account_id,
            str(new.subject),
            new.subject_id,
            list(operators),
        ):
            raise NotYours
        made: int = await connection.fetchval(
            """
            INSERT INTO webhooks (account_id, subject, subject_id, name, filter, target, secret, target_host,
                                  max_age_seconds, burst, quiet_from, quiet_until, tells, bookmark)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
                    (SELECT coalesce(max(arrival), 0) FROM killmail_arrivals))
            RETURNING webhook_id
            """,
            account_id,
            str(new.subject),
            new.subject_id,
            new.name,
            orjson.dumps(filter_to_json(new.chosen)).decode(),
            vault.encrypt(new.target),
            vault.encrypt(secret),
            new.target_host,
            int(new.max_age.total_seconds()),
            new.burst,
            *(new.quiet or (None, None)),
            str(new.tells),
        )
    return made


_SHOWN = f"""
SELECT hook.*, {holds("$2")} AS works,
       (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = hook.webhook_id AND d.state = 'waiting')
           AS waiting,
       (SELECT name FROM entities WHERE entity_id = hook.subject_id) AS subject_name
  FROM webhooks AS hook WHERE account_id = $1 ORDER BY webhook_id
"""  # noqa: S608 - constants
_LOG = """
SELECT hook.webhook_id,
       CASE WHEN logged.reimbursement_change_id IS NOT NULL THEN 'reimbursement'
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


async def delete_webhook(pool: asyncpg.Pool, account_id: int, webhook_id: int) -> bool:
    """It tells nothing any more; False if the account has no such webhook."""
    return _one(
        await pool.execute("DELETE FROM webhooks WHERE account_id = $1 AND webhook_id = $2", account_id, webhook_id)
    )


async def pause_webhook(pool: asyncpg.Pool, account_id: int, webhook_id: int) -> bool:
    """It rests until it is resumed; False if the account has no such webhook."""
    return _one(
        await pool.execute(
            "UPDATE webhooks SET paused_reason = $3, paused_at = now()"
            " WHERE account_id = $1 AND webhook_id = $2 AND paused_reason IS NULL",
            account_id,
            webhook_id,
            str(Pause.OWNER),
        )
    ) or await _exists(pool, account_id, webhook_id)


async def resume_webhook(pool: asyncpg.Pool, account_id: int, webhook_id: int) -> bool:
    """It goes on with what arrives from now on, and what waited when it was paused, if that is young enough."""
    return _one(
        await pool.execute(
            """
            UPDATE webhooks
               SET paused_reason = NULL, paused_at = NULL, failing_since = NULL, failures = 0, next_attempt_at = NULL,
                   bookmark = (SELECT coalesce(max(arrival), 0) FROM killmail_arrivals)
             WHERE account_id = $1 AND webhook_id = $2 AND paused_reason IS NOT NULL AND target IS NOT NULL
            """,
            account_id,
            webhook_id,
        )
    ) or await _exists(pool, account_id, webhook_id)


async def test_webhook(pool: asyncpg.Pool, account_id: int, webhook_id: int) -> bool:
    """A test message waits to be sent, at once; False if the account has no such webhook."""
    made = await pool.fetchval(
        """
        INSERT INTO webhook_deliveries (webhook_id, state)
        SELECT webhook_id, 'waiting' FROM webhooks WHERE account_id = $1 AND webhook_id = $2 RETURNING true
        """,
        account_id,
        webhook_id,
    )
    return made is not None and await _try_now(pool, account_id, webhook_id)


async def redrive_webhook(pool: asyncpg.Pool, account_id: int, webhook_id: int) -> bool:
    """What was not sent is tried again, as far as it fits and is young enough; False if there is no such webhook."""
    await pool.execute(
        """
        UPDATE webhook_deliveries AS d SET state = 'waiting', reason = NULL, settled_at = NULL
          FROM webhooks AS hook
         WHERE hook.webhook_id = d.webhook_id AND hook.account_id = $1 AND hook.webhook_id = $2
           AND d.state IN ('failed', 'skipped') AND d.reason <> 'filtered' AND (
               d.reimbursement_change_id IS NOT NULL OR EXISTS (
               SELECT FROM killmails WHERE killmails.killmail_id = d.killmail_id
                  AND killmails.killmail_time > now() - make_interval(secs => hook.max_age_seconds)))
        """,
        account_id,
        webhook_id,
    )
    return await _try_now(pool, account_id, webhook_id)


async def _try_now(pool: asyncpg.Pool, account_id: int, webhook_id: int) -> bool:
    return _one(
        await pool.execute(
            "UPDATE webhooks SET next_attempt_at = NULL WHERE account_id = $1 AND webhook_id = $2",
            account_id,
            webhook_id,
        )
    )


async def _exists(pool: asyncpg.Pool, account_id: int, webhook_id: int) -> bool:
    return bool(
        await pool.fetchval(
            "SELECT EXISTS (SELECT FROM webhooks WHERE account_id = $1 AND webhook_id = $2)", account_id, webhook_id
        )
    )


def _one(command_tag: str) -> bool:
    return command_tag.endswith(" 1")


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
        row["waiting"],
        lines.get(row["webhook_id"], []),
    )
