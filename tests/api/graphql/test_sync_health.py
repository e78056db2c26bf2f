"""`syncHealth`: numbers for everybody, names for the operator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.api.running_site import Browser, Site
from tests.db.bodies import body

OPERATOR, LATE, WITHDRAWN, IDLE = 90_000_010, 90_000_011, 90_000_012, 90_000_013
HEALTH = """{ syncHealth {
  users syncedLastHour due late loggedOut lagSeconds newKillmailsLastHour
  budgets { group remaining } details {
    latePilots { character { id name } state lastKillmailSyncAt } failures { reason count } buckets { group key }
  }
} }"""


@pytest.fixture
async def pilots(site: Site) -> int:
    """Four pilots in different states; returns the operator's account."""
    account_id = await site.add_pilot(OPERATOR, name="Operator")
    for character_id in (LATE, WITHDRAWN, IDLE):
        await site.add_pilot(character_id, name=f"Pilot {character_id}")
    for character_id, change in (
        (OPERATOR, "last_killmail_sync_at = now() - interval '1 minute'"),
        (LATE, "last_killmail_sync_at = now() - interval '3 hours', sync_state = 'degraded'"),
        (WITHDRAWN, "last_killmail_sync_at = now() - interval '9 days', token_state = 'revoked'"),
        (
            IDLE,
            "last_killmail_sync_at = now() - interval '30 minutes',"
            " sync_detail = jsonb_build_object('until', now() + interval '10 minutes')",
        ),
    ):
        await site.pool.execute(f"UPDATE users SET {change} WHERE character_id = $1", character_id)  # noqa: S608
    await site.store(body(1), body(2))
    await site.pool.execute("UPDATE killmails SET created_at = now() - interval '2 hours' WHERE killmail_id = 1")
    await site.pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, last_error, parked_at)"
        " SELECT n, 'hash', $1, 'KillmailGone', now() FROM generate_series(101, 103) AS n",
        OPERATOR,
    )
    return account_id


@pytest.mark.usefixtures("pilots")
async def test_everybody_gets_numbers_and_nobody_a_name(browser: Browser) -> None:
    health = (await browser.data(HEALTH))["syncHealth"]
    assert 3 * 3600 <= health.pop("lagSeconds") < 3 * 3600 + 600
    assert health == {
        "users": 4,
        "syncedLastHour": 2,
        "due": 1,
        "late": 1,
        "loggedOut": 1,
        "newKillmailsLastHour": 1,
        "budgets": [],
        "details": None,
    }


async def test_the_operator_gets_names_and_reasons(
    site: Site, browser: Browser, pilots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in(pilots)
    assert (await browser.data(HEALTH))["syncHealth"]["details"] is None
    settings = site.services.settings.model_copy(update={"admin_character_ids": frozenset({OPERATOR})})
    monkeypatch.setattr(site.app.state, "services", replace(site.services, settings=settings))
    details = (await browser.data(HEALTH))["syncHealth"]["details"]
    (late,) = details["latePilots"]
    assert late["character"] == {"id": str(LATE), "name": f"Pilot {LATE}"}
    assert late["state"] == "DEGRADED"
    assert details["failures"] == [{"reason": "KillmailGone", "count": 3}]
    assert details["buckets"] == []


async def test_an_empty_installation(browser: Browser) -> None:
    health = (await browser.data(HEALTH))["syncHealth"]
    assert (health["users"], health["lagSeconds"], health["late"]) == (0, None, 0)
