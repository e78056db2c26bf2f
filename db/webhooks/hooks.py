"""Webhooks as their owners have them: made, listed, paused, tested, deleted. Their secrets are never read back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import asyncpg
import orjson

from db.accounts.sessions import digest
from db.accounts.vault import TokenVault
from db.killmails.filter import KillmailFilter
from db.killmails.filter_json import filter_to_json
from db.webhooks.schedule import Schedule
from db.webhooks.subjects import Subject, holds

MOST_WEBHOOKS = 20
"""Of one account."""
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
    UNSUBSCRIBED = "unsubscribed"  # whoever got the mail wants no more of it


class Tells(StrEnum):
    """What a webhook tells of. Claims are told of a corporation alone (`db.reimbursements`), digests of a board."""

    KILLMAILS = "killmails"
    REIMBURSEMENTS = "reimbursements"
    BOTH = "both"
    DIGESTS = "digests"


BEHIND_AFTER = timedelta(minutes=15)
"""A webhook that has something to send for so long, and whose target takes it, is not worked on."""


class NotYours(Exception):
    """The account is not, and does not direct, whose killmails these are."""


class TooManyWebhooks(Exception):
    """The account has `MOST_WEBHOOKS` already."""


MAILTO = "mailto:"


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
    digest: Schedule | None = None

    @property
    def is_mail(self) -> bool:
        """Its target is a letter box, which takes digests alone."""
        return self.target.startswith(MAILTO)

    @property
    def is_sound(self) -> bool:
        """Every number is in its bounds, it has a name, and what it tells of can be told of its subject."""
        shortest, longest = AGES
        return (
            0 < len(self.name) <= LONGEST_NAME
            and self.name.isprintable()
            and shortest <= self.max_age <= longest
            and 1 <= self.burst <= MOST_BURST
            and self._tells_soundly()
            and (self.quiet is None or (all(0 <= one < _MINUTES for one in self.quiet) and len(set(self.quiet)) == 2))
        )

    def _tells_soundly(self) -> bool:
        if self.tells is Tells.DIGESTS:
            return self.digest is not None and self.digest.is_sound and self.subject is not Subject.INSTALLATION
        if self.digest is not None or self.is_mail:
            return False
        return self.tells is Tells.KILLMAILS or self.subject is Subject.CORPORATION


async def create_webhook(
    pool: asyncpg.Pool, vault: TokenVault, account_id: int, new: NewWebhook, secret: str, operators: Collection[int]
) -> int:
    """Make a webhook that tells of what arrives from now on; its id. Of a letter box, `secret` is its link's token.

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
        if new.digest is not None:
            await _add_digest(connection, made, new.digest)
        if new.is_mail:
            await connection.execute(
                "INSERT INTO mail_recipients (webhook_id, token_hash) VALUES ($1, $2)", made, digest(secret)
            )
            # The first thing it sends asks for a confirmation (`activities.webhook_mail`).
            await connection.execute("INSERT INTO webhook_deliveries (webhook_id, state) VALUES ($1, 'waiting')", made)
    return made


async def _add_digest(connection: asyncpg.pool.PoolConnectionProxy, webhook_id: int, schedule: Schedule) -> None:
    await connection.execute(
        "INSERT INTO digests (webhook_id, every, hour, weekday, even_if_empty, next_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        webhook_id,
        str(schedule.every),
        schedule.hour,
        schedule.weekday,
        schedule.even_if_empty,
        schedule.next_after(datetime.now(UTC)),
    )


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
    """A test message waits to be sent, at once; False if there is no such webhook, it is paused, or its mail is not
    confirmed."""
    made = await pool.fetchval(
        """
        INSERT INTO webhook_deliveries (webhook_id, state)
        SELECT webhook_id, 'waiting' FROM webhooks
         WHERE account_id = $1 AND webhook_id = $2 AND paused_reason IS NULL AND NOT EXISTS (
               SELECT FROM mail_recipients WHERE mail_recipients.webhook_id = $2 AND confirmed_at IS NULL)
        RETURNING true
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
           AND d.state IN ('failed', 'skipped') AND d.reason NOT IN ('filtered', 'empty') AND (
               EXISTS (SELECT FROM digest_editions WHERE edition_id = d.digest_edition_id AND late_after > now())
               OR d.reimbursement_change_id IS NOT NULL OR EXISTS (
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
            # When it was to be tried is kept, once it is past: `note_failure` tells from it how long nothing was tried.
            "UPDATE webhooks SET next_attempt_at = CASE WHEN next_attempt_at <= now() THEN next_attempt_at"
            " WHEN next_attempt_at > now() THEN now() END WHERE account_id = $1 AND webhook_id = $2",
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


async def webhooks_by_state(pool: asyncpg.Pool) -> dict[str, int]:
    """How many stand well, fail, are behind, or are paused, by their owner or for good."""
    row = await pool.fetchrow(
        """
        SELECT count(*) FILTER (WHERE state = 'well') AS well, count(*) FILTER (WHERE state = 'failing') AS failing,
               count(*) FILTER (WHERE state = 'behind') AS behind, count(*) FILTER (WHERE state = 'paused') AS paused,
               count(*) FILTER (WHERE state = 'given_up') AS given_up
          FROM (SELECT CASE WHEN paused_reason = ANY ($1) THEN 'paused' WHEN paused_reason IS NOT NULL THEN 'given_up'
                            WHEN next_attempt_at > now() OR failing_since IS NOT NULL THEN 'failing'
                            WHEN EXISTS (SELECT FROM webhook_deliveries AS told
                                          WHERE told.webhook_id = hook.webhook_id AND told.state = 'waiting'
                                            AND told.created_at < now() - $2::interval) THEN 'behind'
                            ELSE 'well' END AS state
                  FROM webhooks AS hook) AS stood
        """,
        [str(Pause.OWNER), str(Pause.UNSUBSCRIBED)],  # somebody wants it so
        BEHIND_AFTER,
    )
    assert row is not None  # noqa: S101 - an aggregate
    return dict(row)
