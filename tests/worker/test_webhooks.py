"""Webhooks: a real worker, Temporal and Postgres against a receiver that is slow, ill, away, or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from cryptography.fernet import Fernet
from standardwebhooks import Webhook
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

import activities.webhook_target
import activities.webhooks
import temporal.webhooks
from activities.webhook_target import WebhookTargets
from activities.webhooks import WebhookBell, Webhooks
from contracts.webhooks import DeliverWebhook
from db.accounts.vault import TokenVault, VaultError
from db.intake.arrivals import record_arrivals
from db.intake.store import store_killmails
from db.killmails.filter import KillmailFilter
from db.webhooks.hooks import NewWebhook, Pause, create_webhook, pause_webhook, redrive_webhook, resume_webhook
from db.webhooks.hooks import test_webhook as send_test
from db.webhooks.queue import note_sent
from db.webhooks.shown import ShownWebhook, account_webhooks
from db.webhooks.subjects import Subject
from sandbox.eve.receiver import Received
from sandbox.eve.server import SandboxEve
from sandbox.process import free_port
from settings import Settings
from temporal.webhooks import wake_webhook
from tests.db.bodies import body, raw
from tests.fixtures.workers import StartWorker
from tests.logins import add_user
from tests.workflows.waiting import eventually

PILOT = 90_000_001
SECRET = "whsec_" + "c2VjcmV0" * 4
NOBODY: tuple[int, ...] = ()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target is given a second, and tried again at once."""
    monkeypatch.setattr(activities.webhook_target, "TOTAL_SECONDS", 1.0)
    for wait in ("FIRST_RETRY", "SHORTEST_WAIT"):
        monkeypatch.setattr(activities.webhooks, wait, timedelta(seconds=0.05))
    monkeypatch.setattr(temporal.webhooks, "GATHER_SECONDS", 0.0)


@pytest.fixture
async def account(pool: asyncpg.Pool) -> int:
    await add_user(pool, PILOT)
    await pool.execute("UPDATE users SET token_state = 'valid'")
    found: int = await pool.fetchval("SELECT account_id FROM users")
    return found


@pytest.fixture
async def bell(pool: asyncpg.Pool, client: Client) -> WebhookBell:
    return WebhookBell(pool, client)


@pytest.fixture
def make(pool: asyncpg.Pool, settings: Settings, account: int) -> Callable[..., Any]:
    async def make(target: str, **its: Any) -> int:
        new = replace(
            NewWebhook(Subject.CHARACTER, PILOT, "A hook", KillmailFilter(), target, "127.0.0.1", burst=100), **its
        )
        return await create_webhook(pool, TokenVault.from_settings(settings), account, new, SECRET, NOBODY)

    return make


async def arrive(pool: asyncpg.Pool, first: int, count: int, *, ago: timedelta, silent: bool = False) -> list[int]:
    """The pilot lost so many ships, a second apart."""
    begun = datetime.now(UTC) - ago
    ids = list(range(first, first + count))
    bodies = [
        {**body(one, victim=PILOT), "killmail_time": f"{begun + timedelta(seconds=one - first):%Y-%m-%dT%H:%M:%SZ}"}
        for one in ids
    ]
    await store_killmails(pool, [raw(one) for one in bodies])
    for one in ids:
        await record_arrivals(pool, [one], silent=silent)
    return ids


def told(taken: list[Received]) -> list[int]:
    """The killmails of these messages, in order; each is signed as it says."""
    for one in taken:
        Webhook(SECRET).verify(one.body, dict(one.headers))
    return [int(one.parsed["data"]["id"]) for one in taken]


def once(received: Iterable[Received]) -> list[Received]:
    """What a receiver heard that remembers the names of messages: on a busy machine an answer may come too late."""
    return [*{one.headers["webhook-id"]: one for one in received}.values()]


async def shown(pool: asyncpg.Pool, account: int) -> ShownWebhook:
    [hook] = await account_webhooks(pool, account, NOBODY)
    return hook


async def test_each_killmail_is_told_once_and_in_order_whatever_the_receiver_does(
    pool: asyncpg.Pool,
    client: Client,
    bell: WebhookBell,
    eve: SandboxEve,
    account: int,
    make: Callable[..., Any],
    start_worker: StartWorker,
) -> None:
    await start_worker(webhook_private_targets=True)
    port, receiver = free_port(), eve.receiver
    hook = await make(f"http://127.0.0.1:{port}/receiver/x")
    young = await arrive(pool, 1_000, 5, ago=timedelta(minutes=20))
    await arrive(pool, 2_000, 3, ago=timedelta(hours=3))
    await arrive(pool, 3_000, 60, ago=timedelta(minutes=20), silent=True)
    receiver.answers = [(500, {}), (429, {"Retry-After": "1"}), (302, {"Location": "/receiver/elsewhere"}), (204, {})]
    await bell.ring(young)

    async def has_failed() -> bool:
        return bool(await pool.fetchval("SELECT failures > 0 FROM webhooks"))

    await eventually(has_failed)  # nobody listens
    application = web.Application()
    receiver.mount(application)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    begun = datetime.now(UTC)

    async def all_were_told() -> bool:
        return len(once(receiver.taken)) == len(young)

    await eventually(all_were_told)
    assert told(once(receiver.taken)) == young
    assert datetime.now(UTC) - begun >= timedelta(seconds=1), "Retry-After was waited for"
    assert len({one.headers["webhook-id"] for one in list(receiver.received)[:4]}) == 1, "each attempt has one name"
    assert [one.status for one in receiver.received][:4] == [500, 429, 302, 204]

    receiver.seconds = 2  # heard, and too slow to say so
    more = await arrive(pool, 4_000, 2, ago=timedelta(minutes=5))
    await bell.ring(more)

    async def was_slow() -> bool:
        return bool(await pool.fetchval("SELECT failures > 0 FROM webhooks"))

    await eventually(was_slow)
    receiver.seconds = 0
    await wake_webhook(client, hook)

    async def nothing_waits() -> bool:
        return not await pool.fetchval("SELECT count(*) FROM webhook_deliveries WHERE state = 'waiting'")

    await eventually(nothing_waits)
    names = [one.headers["webhook-id"] for one in receiver.taken]
    assert [int(name.rpartition("-")[2]) for name in dict.fromkeys(names)] == young + more, "in order, by their names"

    receiver.answers = [(410, {})]
    last = await arrive(pool, 5_000, 2, ago=timedelta(minutes=1))
    assert await bell.ring_who_is_behind() == 1, "the watchdog finds what nobody was told of"

    async def is_paused() -> bool:
        return (await shown(pool, account)).paused is Pause.GONE

    await eventually(is_paused)
    heard = len(receiver.received)
    assert await bell.ring_who_is_behind() == 0
    now = await shown(pool, account)
    log = [(one.killmail_id, one.state, one.reason) for one in now.deliveries]
    assert log[:2] == [(last[1], "waiting", None), (last[0], "waiting", "HTTP 410")]
    assert {one.reason for one in now.deliveries if one.killmail_id in (2_000, 2_001, 2_002)} == {"too_old"}
    assert not {one.killmail_id for one in now.deliveries} & set(range(3_000, 3_060)), "an import is no news"
    assert await redrive_webhook(pool, account, hook)
    assert await resume_webhook(pool, account, hook)
    await wake_webhook(client, hook)
    await eventually(nothing_waits)
    assert told(once([*receiver.received][heard:])) == last
    await runner.cleanup()


async def test_a_process_that_dies_says_it_again_under_the_same_name_and_a_burst_is_one_message(
    pool: asyncpg.Pool,
    settings: Settings,
    eve: SandboxEve,
    account: int,
    make: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings.model_copy(update={"webhook_private_targets": True})
    hook = await make(f"{eve.url}/receiver/x", burst=10, chosen=KillmailFilter(min_attackers=1))
    request = DeliverWebhook(hook)
    async with WebhookTargets(settings) as targets:
        step = Webhooks(pool, TokenVault.from_settings(settings), targets, settings).deliver_webhook

        async def dies(*_: object) -> None:
            raise ConnectionError

        await arrive(pool, 1_000, 1, ago=timedelta(minutes=5))
        with monkeypatch.context() as broken:
            broken.setattr(activities.webhooks, "note_sent", dies)
            with pytest.raises(ConnectionError):
                await ActivityEnvironment().run(step, request)
        assert (await ActivityEnvironment().run(step, request)).sent == 1
        assert len({one.headers["webhook-id"] for one in eve.receiver.taken}) == 1
        assert told(eve.receiver.taken) == [1_000, 1_000]

        many = await arrive(pool, 2_000, 15, ago=timedelta(minutes=5))
        assert (await ActivityEnvironment().run(step, request)).sent == 1
        digest = eve.receiver.taken[-1].parsed
        assert digest["type"] == "killmail.digest"
        assert [int(one["id"]) for one in digest["data"]["killmails"]] == many

        # Its last message grew too old at a sick receiver, and nothing happened for days.
        await pool.execute(
            "UPDATE webhooks SET failing_since = now() - interval '3 days', failures = 30,"
            " next_attempt_at = now() - interval '2 days'"
        )
        eve.receiver.answers = [(503, {})]
        assert await send_test(pool, account, hook)
        await arrive(pool, 3_000, 1, ago=timedelta(minutes=5))
        await ActivityEnvironment().run(step, request)
        now = await shown(pool, account)
        assert (now.paused, now.deliveries[0].state) == (None, "waiting"), "one failure is no day of them"
        assert await pool.fetchval("SELECT failures FROM webhooks") == 1

        await pool.execute(
            "UPDATE webhooks SET failing_since = now() - interval '25 hours', failures = 30,"
            " next_attempt_at = now() - interval '1 minute'"
        )
        eve.receiver.answers = [(503, {})]
        await ActivityEnvironment().run(step, request)
        assert (await shown(pool, account)).paused is Pause.FAILED

        assert await resume_webhook(pool, account, hook)
        await pool.execute("UPDATE users SET token_state = 'revoked'")
        await arrive(pool, 4_000, 2, ago=timedelta(minutes=5))
        await pool.execute("UPDATE killmails SET attacker_count = 0 WHERE killmail_id = 4001")
        await ActivityEnvironment().run(step, request)
        log = [(one.killmail_id, one.reason) for one in (await shown(pool, account)).deliveries]
        assert log[:2] == [(4_001, "filtered"), (4_000, "not_yours")]
        await pool.execute("UPDATE users SET token_state = 'valid'")
        assert await redrive_webhook(pool, account, hook)
        heard = len(eve.receiver.taken)
        await ActivityEnvironment().run(step, request)
        assert told(eve.receiver.taken[heard:]) == [3_000, 4_000], "what the filter leaves out is not tried again"

        other = TokenVault([Fernet.generate_key().decode()])
        await send_test(pool, account, hook)
        with pytest.raises(VaultError):
            await ActivityEnvironment().run(Webhooks(pool, other, targets, settings).deliver_webhook, request)
        assert (await shown(pool, account)).paused is None, "the key may come back"
        assert (await ActivityEnvironment().run(step, request)).sent == 1


async def test_what_waits_is_not_sent_once_its_owner_pauses_it_or_its_quiet_time_begins(
    pool: asyncpg.Pool,
    settings: Settings,
    eve: SandboxEve,
    account: int,
    make: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings.model_copy(update={"webhook_private_targets": True})
    hook = await make(f"{eve.url}/receiver/x")

    async def pauses_meanwhile(*sent: Any) -> None:
        await note_sent(*sent)
        assert await pause_webhook(pool, account, hook)

    async with WebhookTargets(settings) as targets:
        step = Webhooks(pool, TokenVault.from_settings(settings), targets, settings).deliver_webhook
        await arrive(pool, 1_000, 4, ago=timedelta(minutes=5))
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(activities.webhooks, "note_sent", pauses_meanwhile)
            assert (await ActivityEnvironment().run(step, DeliverWebhook(hook))).sent == 1
        assert (await shown(pool, account)).waiting == 3
        assert await resume_webhook(pool, account, hook)

        eve.receiver.answers = [(503, {})]
        await ActivityEnvironment().run(step, DeliverWebhook(hook))
        minute = datetime.now(UTC).hour * 60 + datetime.now(UTC).minute
        await pool.execute(
            "UPDATE webhooks SET next_attempt_at = NULL, quiet_from = $1, quiet_until = $2",
            (minute - 10) % 1440,
            (minute + 10) % 1440,
        )
        assert await send_test(pool, account, hook)
        assert (await ActivityEnvironment().run(step, DeliverWebhook(hook))).sent == 1
        assert [one.parsed["type"] for one in eve.receiver.taken] == ["killmail.new", "test"]
        log = (await shown(pool, account)).deliveries
        assert [(one.kind, one.reason) for one in log] == [
            ("test", None),
            *[("killmail", "quiet")] * 3,
            ("killmail", None),
        ]


async def test_discord_is_told_in_its_own_words(
    pool: asyncpg.Pool, settings: Settings, eve: SandboxEve, account: int, make: Callable[..., Any]
) -> None:
    settings = settings.model_copy(update={"webhook_private_targets": True})
    chosen = KillmailFilter(side="VICTIM")
    hook = await make(f"{eve.url}/api/webhooks/123/token", burst=3, chosen=chosen)
    await pool.execute(
        "INSERT INTO entities (entity_id, category, name) VALUES ($1, 'character', $2)", PILOT, "@here *A*"
    )
    async with WebhookTargets(settings) as targets:
        step = Webhooks(pool, TokenVault.from_settings(settings), targets, settings).deliver_webhook
        await send_test(pool, account, hook)
        await arrive(pool, 1_000, 1, ago=timedelta(minutes=5))
        eve.receiver.answers = [(204, {}), (400, {})]
        await ActivityEnvironment().run(step, DeliverWebhook(hook))
        await arrive(pool, 2_000, 5, ago=timedelta(minutes=5))
        await ActivityEnvironment().run(step, DeliverWebhook(hook))
        test, one, digest = eve.receiver.received
        assert test.parsed["embeds"][0]["title"] == "It works"
        assert "webhook-signature" not in test.headers
        embed = one.parsed["embeds"][0]
        assert embed["title"].startswith(r"\@here \*A\* lost a")
        assert embed["url"] == f"{settings.site_url}/killmails/1000"
        assert embed["thumbnail"]["url"].startswith(f"{settings.eve_images_url}/types/587/")
        assert embed["fields"][0]["name"] == "Loss"
        assert digest.parsed["embeds"][0]["title"].startswith("5 killmails")
        assert digest.parsed["allowed_mentions"] == {"parse": []}
        refused = (await shown(pool, account)).deliveries
        assert [(line.state, line.status) for line in refused if line.killmail_id == 1_000] == [("failed", 400)]

        await pool.execute("UPDATE webhooks SET quiet_from = 0, quiet_until = 1439, burst = 100")
        if datetime.now(UTC).strftime("%H:%M") != "23:59":
            await arrive(pool, 3_000, 1, ago=timedelta(minutes=5))
            await ActivityEnvironment().run(step, DeliverWebhook(hook))
            assert (await shown(pool, account)).deliveries[0].reason == "quiet"
