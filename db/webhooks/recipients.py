"""Who is sent mail: nobody before they have confirmed it by the link that they were sent, nobody after they left.

The link's token confirms and unsubscribes. It is in each mail, so it is kept as ciphertext (`webhooks.secret`), and
found by its SHA-256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from db.accounts.sessions import digest
from db.webhooks.editions import schedule_of
from db.webhooks.hooks import Pause

CONFIRMATIONS_OF_ADDRESS, CONFIRMATIONS_OF_ACCOUNT = 3, 10
"""A day: nobody can have a stranger's letter box filled by us."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a link in a mail is about."""

    webhook_id: int
    name: str
    board: str
    is_confirmed: bool


async def may_be_asked(pool: asyncpg.Pool, account_id: int, address: str) -> bool:
    """Whether one more mail may ask this address to confirm; it is written down as asked. The address is not kept."""
    address_hash = hashlib.sha256(address.lower().encode()).digest()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts WHERE account_id = $1 FOR UPDATE", account_id)
        await connection.execute("DELETE FROM confirmation_mails WHERE asked_at < now() - $1::interval", _DAY)
        row = await connection.fetchrow(
            "SELECT count(*) FILTER (WHERE address_hash = $1) AS of_address,"
            " count(*) FILTER (WHERE account_id = $2) AS of_account"
            " FROM confirmation_mails WHERE address_hash = $1 OR account_id = $2",
            address_hash,
            account_id,
        )
        assert row is not None  # noqa: S101 - counts always have a row
        if row["of_address"] >= CONFIRMATIONS_OF_ADDRESS or row["of_account"] >= CONFIRMATIONS_OF_ACCOUNT:
            return False
        await connection.execute(
            "INSERT INTO confirmation_mails (account_id, address_hash) VALUES ($1, $2)", account_id, address_hash
        )
    return True


async def recipient_by(pool: asyncpg.Pool, token: str) -> Recipient | None:
    """What this token opens; None: nothing."""
    row = await pool.fetchrow(
        "SELECT hook.webhook_id, hook.name, hook.subject, hook.subject_id, entities.name AS board, confirmed_at"
        " FROM mail_recipients JOIN webhooks AS hook USING (webhook_id)"
        " LEFT JOIN entities ON entities.entity_id = hook.subject_id"
        " WHERE token_hash = $1 AND paused_reason IS DISTINCT FROM $2",
        digest(token),
        str(Pause.UNSUBSCRIBED),
    )
    if row is None:
        return None
    board = row["board"] or f"{row['subject']} {row['subject_id']}"
    return Recipient(row["webhook_id"], row["name"], board, row["confirmed_at"] is not None)


async def confirm(pool: asyncpg.Pool, recipient: Recipient) -> None:
    """They want it: the first edition is the next that is due."""
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            "SELECT digests.* FROM digests JOIN mail_recipients USING (webhook_id)"
            " WHERE webhook_id = $1 AND confirmed_at IS NULL FOR UPDATE",
            recipient.webhook_id,
        )
        if row is None:
            return
        await connection.execute(
            "UPDATE mail_recipients SET confirmed_at = now() WHERE webhook_id = $1", recipient.webhook_id
        )
        await connection.execute(
            "UPDATE digests SET next_at = $2 WHERE webhook_id = $1",
            recipient.webhook_id,
            schedule_of(row).next_after(datetime.now(UTC)),
        )


async def unsubscribe(pool: asyncpg.Pool, recipient: Recipient) -> None:
    """They do not want it: nothing is sent any more, and who made it is told so."""
    await pool.execute(
        "UPDATE webhooks SET paused_reason = $2, paused_at = now(), target = NULL WHERE webhook_id = $1",
        recipient.webhook_id,
        str(Pause.UNSUBSCRIBED),
    )
