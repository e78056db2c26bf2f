"""What arrives is compared with what webhooks want: a batch at a time, after each one's bookmark.

A batch and the bookmark move in one transaction, and a killmail stands once beside a webhook (a unique index): so
whatever dies, nothing is left out and nothing is told twice. What was imported is silent in the order of arrival
(`db.intake.arrivals`) and concerns nobody here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import asyncpg
import orjson

from db.intake.arrivals import Arrival, arrivals_after, newest_arrival
from db.killmails.conditions import Parameters
from db.killmails.filter import KillmailFilter, eyes
from db.killmails.filter_json import filter_from_json
from db.killmails.pages import page_of_ids
from db.webhooks.hooks import Tells
from db.webhooks.subjects import Subject, holds, of_subject, viewer_of

READ_AT_ONCE = 500


class NotSent(StrEnum):
    """Why a killmail was not told."""

    FILTERED = "filtered"  # it is not what the webhook asks for
    TOO_OLD = "too_old"
    QUIET = "quiet"
    NOT_YOURS = "not_yours"  # its owner is no director any more, or must log in again
    REFUSED = "refused"  # the target will never take it
    GONE = "gone"  # what it was of is not here any more
    MISSED = "missed"  # nobody was here to send the digest in time
    EMPTY = "empty"  # nothing happened in the digest's period


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook at work. `target` and `secret` are ciphertext. `holds`: it may tell of its subject's killmails.

    `is_confirmed`: its letter box may be sent mail, or it has none.
    """

    webhook_id: int
    subject: Subject
    subject_id: int
    name: str
    chosen: KillmailFilter
    target: bytes | None = field(repr=False)
    secret: bytes | None = field(repr=False)
    max_age: timedelta
    burst: int
    quiet: tuple[int, int] | None
    tells: Tells
    bookmark: int
    next_attempt_at: datetime | None
    is_paused: bool
    holds: bool
    is_mail: bool
    is_confirmed: bool

    def is_quiet(self, now: datetime) -> bool:
        """Whether this is the time of day at which nothing is told."""
        if self.quiet is None:
            return False
        (begin, end), minute = self.quiet, now.hour * 60 + now.minute
        return begin <= minute < end if begin < end else minute >= begin or minute < end


async def hook_of(pool: asyncpg.Pool, webhook_id: int, operators: Collection[int]) -> Hook | None:
    """A webhook as it is now; None: it was deleted."""
    row = await pool.fetchrow(
        f"SELECT hook.*, {holds('$2')} AS holds, mail_recipients.webhook_id IS NOT NULL AS is_mail,"  # noqa: S608
        " mail_recipients.webhook_id IS NULL OR mail_recipients.confirmed_at IS NOT NULL AS is_confirmed"
        " FROM webhooks AS hook LEFT JOIN mail_recipients USING (webhook_id) WHERE hook.webhook_id = $1",
        webhook_id,
        list(operators),
    )
    if row is None:
        return None
    return Hook(
        row["webhook_id"],
        Subject(row["subject"]),
        row["subject_id"],
        row["name"],
        filter_from_json(orjson.loads(row["filter"])),
        row["target"],
        row["secret"],
        timedelta(seconds=row["max_age_seconds"]),
        row["burst"],
        None if row["quiet_from"] is None else (row["quiet_from"], row["quiet_until"]),
        Tells(row["tells"]),
        row["bookmark"],
        row["next_attempt_at"],
        row["paused_reason"] is not None,
        row["holds"],
        row["is_mail"],
        row["is_confirmed"],
    )


async def take_on(pool: asyncpg.Pool, hook: Hook) -> bool:
    """Go on from the bookmark: what fits waits to be sent. Whether there may be more. Three statements."""
    arrivals = await arrivals_after(pool, hook.bookmark, READ_AT_ONCE)
    if not arrivals:
        return False
    concerned = [one.killmail_id for one in arrivals if _concerns(hook, one)]
    fitting = await _fitting(pool, hook, concerned)
    if hook.subject is Subject.INSTALLATION:
        concerned = [one for one in concerned if one in fitting]  # else its log would hold every killmail there is
    quiet = hook.is_quiet(datetime.now(UTC))
    reasons = [_reason(hook, one in fitting, quiet=quiet) for one in concerned]
    async with pool.acquire() as connection, connection.transaction():
        moved = await connection.execute(
            "UPDATE webhooks SET bookmark = $3 WHERE webhook_id = $1 AND bookmark = $2",
            hook.webhook_id,
            hook.bookmark,
            arrivals[-1].arrival,
        )
        if moved == "UPDATE 1":
            await connection.execute(
                """
                INSERT INTO webhook_deliveries (webhook_id, killmail_id, state, reason, settled_at)
                SELECT $1, killmail_id, CASE WHEN why IS NULL THEN 'waiting' ELSE 'skipped' END, why,
                       CASE WHEN why IS NOT NULL THEN now() END
                  FROM (SELECT told.killmail_id, told.ordinality,
                               coalesce(told.reason, CASE WHEN killmail_time < now() - $4::interval THEN $5 END) AS why
                          FROM unnest($2::bigint[], $3::text[]) WITH ORDINALITY
                               AS told (killmail_id, reason, ordinality)
                          JOIN killmails USING (killmail_id)) AS judged
                 ORDER BY ordinality
                ON CONFLICT DO NOTHING
                """,
                hook.webhook_id,
                concerned,
                reasons,
                hook.max_age,
                str(NotSent.TOO_OLD),
            )
    return True


async def hooks_on(pool: asyncpg.Pool, killmail_ids: Sequence[int]) -> list[int]:
    """The active webhooks whose subjects are on any of these killmails. One statement, however many there are."""
    rows = await pool.fetch(
        """
        SELECT webhook_id FROM webhooks
         WHERE paused_reason IS NULL AND tells IN ('killmails', 'both') AND (subject = 'installation' OR subject_id IN (
               SELECT character_id FROM participants WHERE killmail_id = ANY ($1)
               UNION SELECT corporation_id FROM participants WHERE killmail_id = ANY ($1)))
        """,
        list(killmail_ids),
    )
    return [row["webhook_id"] for row in rows]


async def hooks_behind(pool: asyncpg.Pool) -> list[int]:
    """The active webhooks that have something to do: new arrivals, or something that waits. Three statements.

    The bookmarks of all others are moved on, so that the next time there is less to compare.
    """
    newest = await newest_arrival(pool)
    rows = await pool.fetch(
        """
        SELECT hook.webhook_id FROM webhooks AS hook
         WHERE paused_reason IS NULL AND tells IN ('killmails', 'both') AND bookmark < $1 AND EXISTS (
               SELECT FROM killmail_arrivals AS one
                WHERE one.arrival > hook.bookmark AND one.arrival <= $1 AND NOT one.silent
                  AND (hook.subject = 'installation' OR EXISTS (
                       SELECT FROM participants WHERE participants.killmail_id = one.killmail_id
                          AND hook.subject_id IN (participants.character_id, participants.corporation_id))))
        """,
        newest,
    )
    behind = {row["webhook_id"] for row in rows}
    await pool.execute(
        "UPDATE webhooks SET bookmark = $1 WHERE paused_reason IS NULL AND bookmark < $1 AND webhook_id <> ALL ($2)",
        newest,
        list(behind),
    )
    waiting = await pool.fetch(
        """
        SELECT webhook_id FROM webhooks AS hook
         WHERE paused_reason IS NULL AND coalesce(next_attempt_at <= now(), true) AND EXISTS (
               SELECT FROM webhook_deliveries d WHERE d.webhook_id = hook.webhook_id AND d.state = 'waiting')
        """
    )
    return sorted(behind | {row["webhook_id"] for row in waiting})


def _concerns(hook: Hook, one: Arrival) -> bool:
    if hook.tells not in (Tells.KILLMAILS, Tells.BOTH):
        return False
    return bool(one.entities) if hook.subject is Subject.INSTALLATION else hook.subject_id in one.entities


def _reason(hook: Hook, fits: bool, *, quiet: bool) -> str | None:
    if not fits:  # first: what is left out for any other reason is sent once it is tried again
        return str(NotSent.FILTERED)
    if not hook.holds:
        return str(NotSent.NOT_YOURS)
    return str(NotSent.QUIET) if quiet else None


async def _fitting(pool: asyncpg.Pool, hook: Hook, killmail_ids: list[int]) -> set[int]:
    if not killmail_ids:
        return set()
    chosen, parameters = of_subject(hook.chosen), Parameters()
    seen_by = eyes(viewer_of(hook.subject, hook.subject_id), chosen, "VISIBLE")
    page = page_of_ids(seen_by, chosen, killmail_ids)(parameters)
    rows = await pool.fetch(f"{page} SELECT killmail_id FROM page", *parameters.values)  # noqa: S608 - values are bound
    return {row["killmail_id"] for row in rows}
