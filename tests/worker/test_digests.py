"""Digests: once for each period, late or left out when nobody was there, by webhook and by mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

import activities.webhook_mail
import activities.webhooks
from activities.webhook_mail import Letter, Mailer
from activities.webhook_target import WebhookTargets
from activities.webhooks import WebhookBell, Webhooks
from contracts.webhooks import BadTarget, DeliverWebhook, check_mail_address
from db.accounts.sessions import new_secret
from db.accounts.vault import TokenVault
from db.corporations.directors import follow, note_role
from db.intake.store import store_killmails
from db.killmails.filter import EVERYTHING
from db.webhooks import editions
from db.webhooks.editions import make_due_editions
from db.webhooks.hooks import MAILTO, NewWebhook, Pause, Tells, create_webhook
from db.webhooks.recipients import confirm, may_be_asked, recipient_by, unsubscribe
from db.webhooks.schedule import Every, Schedule
from db.webhooks.shown import ShownDelivery, ShownWebhook, account_webhooks
from db.webhooks.subjects import Subject
from db.webhooks.taking import hooks_behind
from sandbox.eve.server import SandboxEve
from settings import Settings, SettingsError, settings_from
from tests.db.bodies import body, raw
from tests.db.corporations.test_boards import add
from tests.fixtures.mail import PASSWORD, USER, letter_box
from tests.operations.environment.test_reference import KEY, REQUIRED

CORPORATION, DIRECTOR, OTHER = 98_000_055, 90_000_001, 90_000_777
SECRET = "whsec_" + "c2VjcmV0" * 4
DAILY = Schedule(Every.DAY, 11)
NEW = NewWebhook(Subject.CORPORATION, CORPORATION, "The day", EVERYTHING, "", "x", tells=Tells.DIGESTS, digest=DAILY)
NOW = datetime.now(UTC)
DUE = DAILY.next_after(NOW) - timedelta(days=1)
"""When the last edition was due."""


@pytest.fixture
async def director(pool: asyncpg.Pool) -> int:
    account_id = await add(pool, DIRECTOR, CORPORATION, director=True)
    await follow(pool, DIRECTOR)
    await note_role(pool, CORPORATION, DIRECTOR)
    return account_id


class Desk:
    """A worker's step for webhooks, and what it left in the log."""

    def __init__(self, pool: asyncpg.Pool, settings: Settings, targets: WebhookTargets, account_id: int) -> None:
        self.pool, self.account_id, self.vault = pool, account_id, TokenVault.from_settings(settings)
        self.step = Webhooks(pool, self.vault, targets, settings).deliver_webhook

    async def make(self, new: NewWebhook, secret: str = SECRET) -> int:
        return await create_webhook(self.pool, self.vault, self.account_id, new, secret, ())

    async def due(self, webhook_id: int, at: datetime = DUE) -> None:
        """Its next edition is due then, as if it were made long ago."""
        await self.pool.execute("UPDATE digests SET next_at = $2 WHERE webhook_id = $1", webhook_id, at)

    async def deliver(self, webhook_id: int) -> int:
        await self.pool.execute("UPDATE webhooks SET next_attempt_at = NULL")
        return (await ActivityEnvironment().run(self.step, DeliverWebhook(webhook_id))).sent

    async def shown(self, webhook_id: int) -> ShownWebhook:
        every = await account_webhooks(self.pool, self.account_id, ())
        return next(one for one in every if one.webhook_id == webhook_id)

    async def log(self, webhook_id: int) -> list[tuple[str, str, str | None]]:
        def line(one: ShownDelivery) -> tuple[str, str, str | None]:
            return one.kind, one.state, one.reason

        return [line(one) for one in (await self.shown(webhook_id)).deliveries]


async def happen(pool: asyncpg.Pool, until: datetime) -> None:
    """Two kills and a loss in the hours before, and a kill of the day after; by two pilots of the corporation."""
    bodies = []
    for number, ago in enumerate((timedelta(hours=1), timedelta(hours=20), timedelta(hours=3), timedelta(hours=-1))):
        lost = number == 2
        one = body(
            number + 1, victim=DIRECTOR if lost else OTHER, attackers=(OTHER,) if lost else (DIRECTOR, 90_000_002)
        )
        one["killmail_time"] = f"{until - ago:%Y-%m-%dT%H:%M:%SZ}"
        for party in [one["victim"]] if lost else one["attackers"]:
            party["corporation_id"] = CORPORATION
        bodies.append(one)
    await store_killmails(pool, [raw(one) for one in bodies])
    await pool.execute("UPDATE killmails SET total_value = 1000000 * killmail_id")


def test_a_digest_is_due_at_its_hour_and_day() -> None:
    friday = datetime(2026, 11, 27, 11, 0, tzinfo=UTC)
    assert DAILY.next_after(friday - timedelta(seconds=1)) == friday
    assert DAILY.next_after(friday) == friday + timedelta(days=1)
    for weekday in range(1, 8):
        weekly = Schedule(Every.WEEK, 11, weekday)
        found = weekly.next_after(friday)
        assert (found.isoweekday(), found.hour) == (weekday, 11)
        assert friday < found <= friday + timedelta(days=7)
    for wrong in (
        Schedule(Every.DAY, 24),
        Schedule(Every.WEEK, 1),
        Schedule(Every.WEEK, 1, 8),
        Schedule(Every.DAY, 1, 1),
    ):
        assert not wrong.is_sound
        assert not replace(NEW, digest=wrong).is_sound
    assert not replace(NEW, subject=Subject.INSTALLATION).is_sound
    assert not replace(NEW, tells=Tells.KILLMAILS, target="mailto:a@example.com", digest=None).is_sound


async def test_each_period_is_told_once_late_or_left_out(
    pool: asyncpg.Pool,
    settings: Settings,
    eve: SandboxEve,
    director: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings.model_copy(update={"webhook_private_targets": True})
    receiver = eve.receiver
    await happen(pool, DUE)
    async with WebhookTargets(settings) as targets:
        desk = Desk(pool, settings, targets, director)
        program = await desk.make(replace(NEW, target=f"{eve.url}/receiver/x"))
        discord = await desk.make(replace(NEW, target=f"{eve.url}/api/webhooks/123/token"))
        silent = replace(NEW, subject=Subject.CHARACTER, subject_id=DIRECTOR, target=f"{eve.url}/receiver/y")
        quiet, verbose = (
            await desk.make(silent),
            await desk.make(replace(silent, digest=replace(DAILY, even_if_empty=True))),
        )
        assert await make_due_editions(pool) == 0, "the first is the next that is due"

        for one in (program, discord):
            await desk.due(one)
        assert await make_due_editions(pool, DUE + timedelta(hours=2)) == 2
        assert await make_due_editions(pool, DUE + timedelta(hours=3)) == 0
        assert {program, discord} <= {*await hooks_behind(pool)}

        async def dies(*_: object) -> None:
            raise ConnectionError

        await pool.execute("UPDATE digest_editions SET late_after = now() + interval '1 hour'")
        with monkeypatch.context() as broken:
            broken.setattr(activities.webhooks, "note_sent", dies)
            with pytest.raises(ConnectionError):
                await desk.deliver(program)
        await pool.execute("UPDATE killmails SET total_value = 5")
        assert [await desk.deliver(program) for _ in range(2)] == [1, 0]
        first, again = receiver.taken
        assert (first.headers["webhook-id"], first.body) == (again.headers["webhook-id"], again.body)
        Webhook(SECRET).verify(first.body, dict(first.headers))
        told: dict[str, Any] = first.parsed["data"]
        assert first.parsed["type"] == "board.digest"
        assert (told["kills"], told["losses"]) == (2, 1)
        assert (told["iskDestroyed"], told["iskLost"]) == (3_000_000, 3_000_000)
        assert (told["bestKill"]["id"], told["worstLoss"]["id"]) == ("2", "3")
        assert [(one["id"], one["killmails"]) for one in told["topPilots"]] == [("90000001", 2), ("90000002", 2)]
        assert (told["begin"], told["end"]) == (
            f"{DUE - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
            f"{DUE:%Y-%m-%dT%H:%M:%SZ}",
        )
        assert await desk.deliver(discord) == 1
        [embed] = receiver.taken[-1].parsed["embeds"]
        assert embed["title"].startswith(f"The day of Corporation {CORPORATION}")
        assert embed["description"].startswith("2 kills and 1 loss; 10 ISK destroyed, 5 ISK lost")
        assert [one["name"] for one in embed["fields"]] == ["Best kill", "Worst loss", "Top pilots"]

        # The machine was off for five days, and comes back within the bound; then for longer than that.
        await desk.due(program, DUE - timedelta(days=5))
        await pool.execute("DELETE FROM digest_editions")
        await make_due_editions(pool, DUE + timedelta(hours=11, minutes=59))
        assert (await desk.log(program))[:2] == [("digest", "waiting", None), ("digest", "skipped", "missed")]
        missed = await pool.fetchrow("SELECT begins_at, ends_at FROM digest_editions ORDER BY edition_id LIMIT 1")
        assert missed is not None
        assert tuple(missed) == (DUE - timedelta(days=6), DUE - timedelta(days=1))
        await desk.due(discord, DUE - timedelta(days=5))
        await make_due_editions(pool, DUE + timedelta(hours=12, minutes=1))
        assert (await desk.log(discord))[0] == ("digest", "skipped", "missed")
        assert await desk.deliver(discord) == 0
        await pool.execute("UPDATE digest_editions SET late_after = now() - interval '1 s'")
        assert await desk.deliver(program) == 0, "it waited too long for its target"
        assert (await desk.log(program))[0] == ("digest", "skipped", "missed")

        for one in (quiet, verbose):
            await desk.due(one, DUE - timedelta(days=30))
        await pool.execute("DELETE FROM killmails")
        await make_due_editions(pool, DUE + timedelta(hours=1))
        await pool.execute("UPDATE digest_editions SET late_after = now() + interval '1 hour'")
        assert [await desk.deliver(one) for one in (quiet, verbose)] == [0, 1]
        assert (await desk.log(quiet))[0] == ("digest", "skipped", "empty")


async def test_the_watchdog_makes_what_is_due_and_wakes_it(
    pool: asyncpg.Pool, settings: Settings, client: Client, director: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []

    async def wake(_: Client, webhook_id: int) -> None:
        woken.append(webhook_id)

    monkeypatch.setattr(activities.webhooks, "wake_webhook", wake)
    async with WebhookTargets(settings) as targets:
        desk, hourly = Desk(pool, settings, targets, director), replace(DAILY, hour=NOW.hour)
        *due, later = [await desk.make(replace(NEW, target="https://example.com/", digest=hourly)) for _ in range(6)]
        await pool.execute("UPDATE digests SET next_at = now() - interval '1 second' WHERE webhook_id = ANY ($1)", due)
        monkeypatch.setattr(editions, "MADE_AT_ONCE", 2)  # and however many are due at that hour
        assert await WebhookBell(pool, client).ring_who_is_behind() == len(due)
        assert sorted(woken) == due
        assert [await desk.log(one) for one in due] == [[("digest", "waiting", None)]] * len(due)
        assert await desk.log(later) == []


async def test_mail_goes_to_who_confirmed_it_until_they_leave(
    pool: asyncpg.Pool, settings: Settings, director: int
) -> None:
    await happen(pool, DUE)
    with letter_box() as box:
        url = SecretStr(f"smtp://127.0.0.1:{box.port}")
        settings = settings.model_copy(update={"smtp_url": url, "public_url": "https://kills.example.com"})
        async with WebhookTargets(settings) as targets:
            desk, token = Desk(pool, settings, targets, director), new_secret()
            mailed = await desk.make(
                replace(NEW, target=f"{MAILTO}ada@example.com", target_host="a…@example.com"), token
            )
            await desk.due(mailed)
            assert await make_due_editions(pool, DUE) == 0, "nobody has confirmed"
            assert [await desk.deliver(mailed) for _ in range(2)] == [1, 0]
            [asked] = box.letters
            assert f"https://kills.example.com/s/{token}/mail" in str(asked.get_payload(decode=True))
            recipient = await recipient_by(pool, token)
            assert recipient is not None
            assert await recipient_by(pool, new_secret()) is None
            await confirm(pool, recipient)
            assert (await desk.shown(mailed)).next_digest_at == DAILY.next_after(datetime.now(UTC))

            await desk.due(mailed)
            await make_due_editions(pool, DUE)
            await pool.execute("UPDATE digest_editions SET late_after = now() + interval '1 hour'")
            box.refused = "451 later"
            assert await desk.deliver(mailed) == 0
            assert (await desk.log(mailed))[0] == ("digest", "waiting", "SMTP 451")
            box.refused = ""
            assert await desk.deliver(mailed) == 1
            letter = box.letters[-1]
            assert letter["To"] == "ada@example.com"
            assert letter["From"] == "killreport@kills.example.com"
            assert letter["List-Unsubscribe"] == f"<https://kills.example.com/s/{token}/mail>"
            assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert letter["Message-ID"].startswith(f"<edition-{mailed}-")
            text = bytes(letter.get_payload(decode=True)).decode()
            assert "2 kills and 1 loss; 3.00m ISK destroyed, 3.00m ISK lost, efficiency 50%" in text
            assert "Best kill: " in text
            assert "/killmails/2" in text

            await desk.due(mailed)
            await pool.execute("DELETE FROM digest_editions")
            await make_due_editions(pool, DUE)
            await pool.execute("UPDATE digest_editions SET late_after = now() + interval '1 hour'")
            box.refused_sender = "550 no such sender"
            assert await desk.deliver(mailed) == 0
            box.refused_sender, box.refused_letter = "", "550 too many letters today"
            assert await desk.deliver(mailed) == 0
            assert (await desk.log(mailed))[0] == ("digest", "waiting", "SMTP 550")
            assert (await desk.shown(mailed)).paused is None, "nobody said that there is no such letter box"
            box.refused = "550 no such user"
            assert await desk.deliver(mailed) == 0
            assert (await desk.shown(mailed)).paused is Pause.GONE
            await unsubscribe(pool, recipient)
            assert (await desk.shown(mailed)).paused is Pause.UNSUBSCRIBED
            assert await recipient_by(pool, token) is None
            assert await pool.fetchval("SELECT target FROM webhooks") is None, "the address is forgotten"

    assert [await may_be_asked(pool, director, "Bob@example.com") for _ in range(4)] == [True, True, True, False]
    others = [await may_be_asked(pool, director, f"{one}@example.com") for one in range(8)]
    assert others == [True] * 7 + [False]
    await pool.execute("UPDATE confirmation_mails SET asked_at = now() - interval '25 hours'")
    assert await may_be_asked(pool, director, "bob@example.com")
    await pool.execute("UPDATE webhooks SET created_at = now() - interval '8 days'")
    await pool.execute("UPDATE mail_recipients SET confirmed_at = NULL")
    await make_due_editions(pool)
    assert await pool.fetchval("SELECT count(*) FROM webhooks") == 0, "who never confirmed is forgotten"


async def test_a_mail_server_that_looks_long_at_a_letter_is_given_it_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activities.webhook_mail, "SECONDS", 1.0)
    with letter_box() as box:
        box.seconds = 1.5
        url = SecretStr(f"smtp://127.0.0.1:{box.port}")
        answer = await Mailer(settings.model_copy(update={"smtp_url": url})).send(
            "ada@example.com", Letter("m-1", "Hello", "There"), "token"
        )
        assert (answer.status, len(box.letters)) == (250, 1)


async def test_the_mail_server_is_spoken_to_as_its_url_says(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = Letter("m-1", "Hello\r\nBcc: x@example.com", "There")
    for scheme in ("smtps", "smtp+starttls"):
        with letter_box(tls=tmp_path, implicit=scheme == "smtps") as box:
            where = f"127.0.0.1:{box.port}"

            async def send(url: str) -> tuple[int | None, str]:
                mailer = Mailer(settings.model_copy(update={"smtp_url": SecretStr(url)}))
                answer = await mailer.send("ada@example.com", letter, "token")
                return answer.status, answer.reason

            away = (None, "the mail server could not be spoken to")
            good = f"{scheme}://{USER}:{quote(PASSWORD, safe='')}@{where}"
            assert await send(good) == away, "its certificate is nobody's"
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mail.crt"))
            assert (await send(good))[0] == 250
            assert box.letters[-1]["Subject"] == "Hello Bcc: x@example.com"
            assert box.letters[-1]["Bcc"] is None
            assert (await send(f"{scheme}://{USER}:wrong@{where}"))[0] == 535
            monkeypatch.delenv("SSL_CERT_FILE")
    assert await send("") == (None, "this installation sends no mail")
    assert await send(f"smtp://127.0.0.1:{box.port}") == away
    for wrong in ("mail.example.com", "http://example.com", "smtp://user:word@example.com", "smtps://"):
        with pytest.raises(SettingsError) as refused:
            settings_from({**REQUIRED, "TOKEN_ENCRYPTION_KEYS": KEY, "SMTP_URL": wrong})
        assert "SMTP_URL" in str(refused.value)
        assert "word" not in str(refused.value).replace("password", "")
    assert check_mail_address("ada.l@mail.example.com") == "a…@mail.example.com"
    for wrong in (
        "ada",
        "ada@localhost",
        "a b@example.com",
        "a@example.com\nBcc: b@example.com",
        f"{'a' * 300}@example.com",
    ):
        with pytest.raises(BadTarget):
            check_mail_address(wrong)
