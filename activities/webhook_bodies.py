"""What a waiting message says, written for where it goes: a program, Discord, or a letter box."""

from __future__ import annotations

from enum import Enum

import asyncpg

from activities.digest_messages import digest_json, discord_digest, mailed_digest
from activities.webhook_mail import Letter, confirmation, test_letter
from activities.webhook_messages import (
    discord_body,
    discord_reimbursement,
    discord_test,
    reimbursement_body,
    standard_body,
    test_body,
)
from contracts.webhooks import mail_link
from db.reimbursements.told import told_change
from db.webhooks.editions import edition_of, keep_told
from db.webhooks.queue import Message
from db.webhooks.summary import summary_of
from db.webhooks.taking import Hook, NotSent
from db.webhooks.told import told_of
from settings import Settings


class Form(Enum):
    """How a target is spoken to."""

    STANDARD = "signed JSON"
    DISCORD = "an embed"
    MAIL = "a letter"


async def written(
    pool: asyncpg.Pool, settings: Settings, hook: Hook, message: Message, form: Form, token: str
) -> bytes | Letter | NotSent:
    """What is sent, or why nothing is.

    Args:
        token: of the link in a letter.
    """
    if message.change_id is not None:
        return await _change(pool, settings, message.change_id, form)
    if message.edition_id is not None:
        return await _digest(pool, settings, hook, message, form)
    if form is Form.MAIL:
        if hook.is_confirmed:
            return test_letter(message.message_id, hook.name)
        board = await pool.fetchval("SELECT name FROM entities WHERE entity_id = $1", hook.subject_id)
        link = mail_link(settings.site_url, token)
        return confirmation(message.message_id, board or f"{hook.subject} {hook.subject_id}", link)
    if not message.killmail_ids:
        return discord_test(hook.name) if form is Form.DISCORD else test_body(hook.name)
    told = await told_of(pool, message.killmail_ids, hook.subject, hook.subject_id, settings.site_url)
    if form is Form.DISCORD:
        return discord_body(told, settings.eve_images_url, settings.site_url, digest=message.is_digest)
    return standard_body(told, settings.site_url, digest=message.is_digest)


async def _change(pool: asyncpg.Pool, settings: Settings, change_id: int, form: Form) -> bytes | NotSent:
    change = await told_change(pool, change_id, settings.site_url)
    if change is None:
        return NotSent.GONE
    if form is Form.DISCORD:
        return discord_reimbursement(change, settings.eve_images_url)
    return reimbursement_body(change)


async def _digest(
    pool: asyncpg.Pool, settings: Settings, hook: Hook, message: Message, form: Form
) -> bytes | Letter | NotSent:
    assert message.edition_id is not None  # noqa: S101 - it was looked at before
    edition = await edition_of(pool, message.edition_id)
    if edition is None:
        return NotSent.GONE
    told = edition.told
    if told is None:
        found = await summary_of(pool, hook.subject, hook.subject_id, edition, settings.site_url)
        told = await keep_told(pool, edition.edition_id, found)
    if not told["kills"] and not told["losses"] and not edition.even_if_empty:
        return NotSent.EMPTY
    if form is Form.MAIL:
        return mailed_digest(message.message_id, told)
    return discord_digest(told) if form is Form.DISCORD else digest_json(told)
