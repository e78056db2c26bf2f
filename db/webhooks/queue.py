"""What waits to be sent by a webhook, in order, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from db.webhooks.hooks import Pause
from db.webhooks.taking import Hook, NotSent

LOOKED_AT = 500
"""Deliveries of one digest at most."""


@dataclass(frozen=True, slots=True)
class Message:
    """The next to be sent. `message_id` is the same at each attempt. No killmail and no change: a test.

    Several killmails: a digest. `change_id`: the change of a claim (`db.reimbursements`). `edition_id`: of a digest by
    the calendar (`db.webhooks.editions`).
    """

    message_id: str
    delivery_ids: list[int]
    killmail_ids: list[int]
    change_id: int | None = None
    edition_id: int | None = None

    @property
    def is_digest(self) -> bool:
        """Many killmails in one."""
        return self.message_id.startswith("digest-")


async def next_message(pool: asyncpg.Pool, hook: Hook) -> Message | None:
    """What is to be sent now: never what has grown too old or came to its quiet time, which is settled here.

    None: nothing waits, or its owner has paused it meanwhile.
    """
    await _skip_what_is_old(pool, hook)
    if hook.is_quiet(datetime.now(UTC)):
        await skip_all(pool, hook, NotSent.QUIET, killmails_only=True)
    rows = await pool.fetch(
        "SELECT webhook_delivery_id, killmail_id, reimbursement_change_id, digest_edition_id, message_id"
        " FROM webhook_deliveries"
        " WHERE webhook_id = $1 AND state = 'waiting'"
        " AND EXISTS (SELECT FROM webhooks WHERE webhook_id = $1 AND paused_reason IS NULL)"
        " ORDER BY webhook_delivery_id LIMIT $2",
        hook.webhook_id,
        LOOKED_AT,
    )
    if not rows:
        return None
    first = rows[0]
    message_id, together = first["message_id"], [first]
    if message_id is not None:
        together = [row for row in rows if row["message_id"] == message_id]
    elif first["reimbursement_change_id"] is not None:
        message_id = f"reimbursement-{hook.webhook_id}-{first['reimbursement_change_id']}"
    elif first["digest_edition_id"] is not None:
        message_id = f"edition-{hook.webhook_id}-{first['digest_edition_id']}"
    elif first["killmail_id"] is None:
        message_id = f"test-{first['webhook_delivery_id']}"
    else:
        fresh = [row for row in rows if row["message_id"] is None and row["killmail_id"] is not None]
        message_id = f"killmail-{hook.webhook_id}-{first['killmail_id']}"
        if len(fresh) > hook.burst:
            together, message_id = fresh, f"digest-{first['webhook_delivery_id']}"
    ids = [row["webhook_delivery_id"] for row in together]
    # Written down before it is sent: whoever tries again sends the same message under the same name.
    await pool.execute(
        "UPDATE webhook_deliveries SET message_id = $2 WHERE webhook_delivery_id = ANY ($1)", ids, message_id
    )
    killmail_ids = [row["killmail_id"] for row in together if row["killmail_id"] is not None]
    return Message(message_id, ids, killmail_ids, first["reimbursement_change_id"], first["digest_edition_id"])


async def note_sent(pool: asyncpg.Pool, hook: Hook, message: Message, status: int) -> None:
    """The target took it."""
    async with pool.acquire() as connection, connection.transaction():
        await _settle(connection, message, "sent", None, status)
        await connection.execute(
            "UPDATE webhooks SET failing_since = NULL, failures = 0, next_attempt_at = NULL WHERE webhook_id = $1",
            hook.webhook_id,
        )


async def note_refused(pool: asyncpg.Pool, message: Message, status: int) -> None:
    """The target will never take it; what comes after it may go on."""
    async with pool.acquire() as connection, connection.transaction():
        await _settle(connection, message, "failed", NotSent.REFUSED, status)


async def note_failure(
    pool: asyncpg.Pool, hook: Hook, message: Message, reason: str, status: int | None, *, within: timedelta
) -> tuple[int, timedelta]:
    """An attempt failed; how many did in a row by now, and for how long nothing has got through.

    Args:
        within: of the time at which the last was to be repeated. Where nothing was tried for longer, a row begins anew.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "UPDATE webhook_deliveries SET attempts = attempts + 1, reason = $2, status = $3"
            " WHERE webhook_delivery_id = ANY ($1)",
            message.delivery_ids,
            reason,
            status,
        )
        row = await connection.fetchrow(
            """
            UPDATE webhooks
               SET failing_since = CASE WHEN next_attempt_at < now() - $2::interval THEN now()
                                        ELSE coalesce(failing_since, now()) END,
                   failures = CASE WHEN next_attempt_at < now() - $2::interval THEN 1 ELSE failures + 1 END
             WHERE webhook_id = $1 RETURNING failures, now() - failing_since AS lasted
            """,
            hook.webhook_id,
            within,
        )
    return (0, timedelta()) if row is None else (row["failures"], row["lasted"])


async def try_again_at(pool: asyncpg.Pool, hook: Hook, at: datetime) -> None:
    """Nothing is sent before then (UTC)."""
    await pool.execute("UPDATE webhooks SET next_attempt_at = $2 WHERE webhook_id = $1", hook.webhook_id, at)


async def pause(pool: asyncpg.Pool, hook: Hook, why: Pause) -> None:
    """It rests until its owner resumes it; what waits goes on waiting, and soon is too old."""
    await pool.execute(
        "UPDATE webhooks SET paused_reason = $2, paused_at = now(), next_attempt_at = NULL"
        " WHERE webhook_id = $1 AND paused_reason IS NULL",
        hook.webhook_id,
        str(why),
    )


async def skip_all(pool: asyncpg.Pool, hook: Hook, why: NotSent, *, killmails_only: bool = False) -> int:
    """Nothing of what waits is sent, or no killmail of it: claims, digests and tests are then. How many that were."""
    tag = await pool.execute(
        "UPDATE webhook_deliveries SET state = 'skipped', reason = $2, settled_at = now()"
        " WHERE webhook_id = $1 AND state = 'waiting' AND (killmail_id IS NOT NULL OR NOT $3)",
        hook.webhook_id,
        str(why),
        killmails_only,
    )
    return int(tag.rpartition(" ")[2])


async def skip_message(pool: asyncpg.Pool, message: Message, why: NotSent) -> None:
    """It is not sent; what comes after it may go on."""
    await pool.execute(
        "UPDATE webhook_deliveries SET state = 'skipped', reason = $2, settled_at = now()"
        " WHERE webhook_delivery_id = ANY ($1)",
        message.delivery_ids,
        str(why),
    )


async def _settle(
    connection: asyncpg.pool.PoolConnectionProxy, message: Message, state: str, reason: str | None, status: int
) -> None:
    await connection.execute(
        "UPDATE webhook_deliveries SET state = $2, reason = $3, status = $4, attempts = attempts + 1,"
        " settled_at = now() WHERE webhook_delivery_id = ANY ($1)",
        message.delivery_ids,
        state,
        reason,
        status,
    )


async def _skip_what_is_old(pool: asyncpg.Pool, hook: Hook) -> None:
    await pool.execute(
        """
        UPDATE webhook_deliveries AS d SET state = 'skipped', reason = $3, settled_at = now()
          FROM killmails
         WHERE d.webhook_id = $1 AND d.state = 'waiting' AND killmails.killmail_id = d.killmail_id
           AND killmails.killmail_time < now() - $2::interval
        """,
        hook.webhook_id,
        hook.max_age,
        str(NotSent.TOO_OLD),
    )
    await pool.execute(
        """
        UPDATE webhook_deliveries AS d SET state = 'skipped', reason = $2, settled_at = now()
          FROM digest_editions
         WHERE d.webhook_id = $1 AND d.state = 'waiting' AND digest_editions.edition_id = d.digest_edition_id
           AND digest_editions.late_after < now()
        """,
        hook.webhook_id,
        str(NotSent.MISSED),
    )
