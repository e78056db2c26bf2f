"""Changes of claims by webhook: each once, to whoever asked for them, as long as its owner directs."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest
from standardwebhooks import Webhook
from temporalio.testing import ActivityEnvironment

import activities.webhooks
from activities.webhook_target import WebhookTargets
from activities.webhooks import Webhooks
from contracts.webhooks import DeliverWebhook
from db.accounts.vault import TokenVault
from db.corporations.directors import follow, note_role
from db.intake.arrivals import record_arrivals
from db.intake.store import store_killmails
from db.killmails.filter import KillmailFilter
from db.reimbursements.changes import change
from db.reimbursements.steps import State
from db.webhooks.hooks import NewWebhook, Tells, create_webhook, redrive_webhook
from db.webhooks.shown import account_webhooks
from db.webhooks.subjects import Subject
from db.webhooks.taking import hooks_behind
from sandbox.eve.server import SandboxEve
from settings import Settings
from tests.db.bodies import body, raw
from tests.db.corporations.test_boards import add

CORPORATION, DIRECTOR, PILOT = 98_000_001, 90_000_001, 90_000_002
SECRET = "whsec_" + "c2VjcmV0" * 4


async def test_each_change_is_told_once_to_who_asked_for_it(
    pool: asyncpg.Pool, settings: Settings, eve: SandboxEve, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"webhook_private_targets": True})
    vault, receiver = TokenVault.from_settings(settings), eve.receiver
    director, pilot = await add(pool, DIRECTOR, CORPORATION, director=True), await add(pool, PILOT, CORPORATION)
    await follow(pool, DIRECTOR)
    await note_role(pool, CORPORATION, DIRECTOR)
    new = NewWebhook(Subject.CORPORATION, CORPORATION, "A hook", KillmailFilter(), f"{eve.url}/receiver/x", "127.0.0.1")
    claims = await create_webhook(pool, vault, director, replace(new, tells=Tells.REIMBURSEMENTS), SECRET, ())
    discord = replace(new, target=f"{eve.url}/api/webhooks/123/token", tells=Tells.BOTH)
    both = await create_webhook(pool, vault, director, discord, SECRET, ())
    killmails = await create_webhook(pool, vault, director, new, SECRET, ())
    loss = body(1, victim=PILOT)
    loss["victim"]["corporation_id"] = CORPORATION
    await store_killmails(pool, [raw(loss)])
    await record_arrivals(pool, [1])

    made = await change(pool, pilot, 1, State.CLAIMED, 0, "@here *please*")
    assert sorted(made.webhook_ids) == [claims, both]
    behind = await hooks_behind(pool)
    assert {claims, both} <= {*behind}, "the watchdog finds what nobody was told of"
    async with WebhookTargets(settings) as targets:
        step = Webhooks(pool, vault, targets, settings).deliver_webhook

        async def deliver(webhook_id: int) -> int:
            return (await ActivityEnvironment().run(step, DeliverWebhook(webhook_id))).sent

        async def dies(*_: object) -> None:
            raise ConnectionError

        with monkeypatch.context() as broken:
            broken.setattr(activities.webhooks, "note_sent", dies)
            with pytest.raises(ConnectionError):
                await deliver(claims)
        assert await deliver(claims) == 1
        assert await deliver(claims) == 0
        first, again = receiver.taken
        assert first.headers["webhook-id"] == again.headers["webhook-id"]
        assert first.body == again.body
        Webhook(SECRET).verify(first.body, dict(first.headers))
        assert first.parsed["type"] == "reimbursement.changed"
        told = first.parsed["data"]
        assert (told["state"], told["before"], told["note"], told["role"]) == (
            "CLAIMED",
            None,
            "@here *please*",
            "PILOT",
        )
        assert (told["killmail"]["id"], told["killmail"]["kind"]) == ("1", "LOSS")

        assert await deliver(both) == 1, "of a killmail that old nothing is told"
        [embed] = receiver.taken[-1].parsed["embeds"]
        assert embed["title"].startswith("Claimed: ")
        assert embed["description"] == r"\@here \*please\*"
        assert await deliver(killmails) == 0

        await change(pool, director, 1, State.APPROVED, 1, "")
        await change(pool, director, 1, State.PAID, 2, "")
        receiver.answers = [(500, {}), (204, {}), (204, {})]
        assert await deliver(claims) == 0
        await pool.execute("UPDATE webhooks SET next_attempt_at = NULL")
        assert await deliver(claims) == 2
        assert [one.parsed["data"]["state"] for one in receiver.taken[-2:]] == ["APPROVED", "PAID"]

        await change(pool, director, 1, State.APPROVED, 3, "")
        await pool.execute("UPDATE corporation_directors SET standing = 'left'")
        assert await deliver(claims) == 0
        lines = (await account_webhooks(pool, director, ()))[0].deliveries
        assert [(one.kind, one.killmail_id, one.state, one.reason) for one in lines[:2]] == [
            ("reimbursement", 1, "skipped", "not_yours"), ("reimbursement", 1, "sent", None),
        ]  # fmt: skip
        await pool.execute("UPDATE corporation_directors SET standing = 'good'")
        assert await redrive_webhook(pool, director, claims)
        assert await deliver(claims) == 1
