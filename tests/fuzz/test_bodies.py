"""Killmail bodies as nobody agreed on them: stored whole, once and readable, or not at all, and accounted for."""

from __future__ import annotations

import copy
import json
import logging
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from temporalio.testing import ActivityEnvironment

from activities.bodies import BLAMELESS_ATTEMPTS, KillmailBodies
from contracts.call_classes import CallClass
from contracts.sync import FetchedKillmails, FetchKillmails
from db.values.appraisal import appraise
from db.values.prices import store_snapshot
from eve.errors import EveError
from eve.esi.client import Esi
from eve.killmail import KillmailRef, validate_killmail
from live import LiveEvents
from tests.activities.stand_in_eve import nobody
from tests.api.compiled.varied_killmails import EVERYTHING, FRIEND, ME, variety
from tests.api.running_site import Browser, Site
from tests.db.bodies import body, real_killmails
from tests.eve.smallest_killmail import SMALLEST
from tests.fuzz.doors import door, is_long
from tests.fuzz.odd_json import damaged, mutated, stretched

READ = EVERYTHING + " query ($id: ID!) { killmail(id: $id) { ...Kill eft } }"
TABLES = ("killmails", "killmail_bodies", "participants", "killmail_arrivals")
NUMBER = 900_000_001
MANY = 20_000 if is_long() else 1_000
"""Attackers or items; ESI allows 10,000 attackers."""
_GOOD: list[dict[str, Any]] = [
    *(one for one in real_killmails() if len(one["attackers"]) < 30),
    *variety(),
    SMALLEST,
]
GOOD = [{**one, "killmail_id": NUMBER} for one in _GOOD]

BODIES = st.sampled_from(GOOD)


def _many(attackers: int, items: int, deep: int = 0) -> bytes:
    much = copy.deepcopy(body(NUMBER, minute=1))
    much["attackers"] *= attackers
    item: dict[str, Any] = {"item_type_id": 34, "flag": 5, "singleton": 0, "quantity_dropped": 2**62}
    much["victim"]["items"] = [item] * items
    for _ in range(deep):
        item = {**item, "items": [item]}
    if deep:
        much["victim"]["items"] = [item]
    return json.dumps(much).encode()


class OneBody(Esi):
    """ESI has one killmail."""

    def __init__(self) -> None:
        self.body = b""

    async def killmail(self, ref: KillmailRef, call_class: CallClass) -> bytes:
        del call_class
        validate_killmail(self.body, ref.killmail_id)
        return self.body


async def rows(site: Site) -> dict[str, int]:
    return {
        table: int(await site.pool.fetchval(f"SELECT count(*) FROM {table} WHERE killmail_id = $1", NUMBER))  # noqa: S608
        for table in TABLES
    }


async def fetch(site: Site, sent: bytes) -> FetchedKillmails | None:
    """Let the sync fetch it; None: it will be tried again as a whole."""
    esi = OneBody()
    esi.body = sent
    activity = KillmailBodies(site.pool, esi, LiveEvents(site.services.redis), nobody)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=BLAMELESS_ATTEMPTS + 1)
    try:
        return await environment.run(activity.fetch_killmails, FetchKillmails([NUMBER]))
    except EveError:
        return None


async def somebody_sees_it(site: Site) -> bool:
    """Let the pilot own a character that is on it, if there is one."""
    await site.pool.execute("DELETE FROM users WHERE character_id NOT IN ($1, $2)", ME, FRIEND)
    seen = await site.pool.fetchval(
        "SELECT min(character_id) FROM participants WHERE killmail_id = $1 AND character_id > 0", NUMBER
    )
    if seen not in (None, ME, FRIEND):
        await site.add_pilot(seen, await site.pool.fetchval("SELECT min(account_id) FROM users"))
    return seen is not None


async def check(site: Site, browser: Browser, caplog: pytest.LogCaptureFixture, sent: bytes) -> None:
    await site.pool.execute("DELETE FROM killmails WHERE killmail_id = $1", NUMBER)
    await site.pool.execute("DELETE FROM killmail_refs WHERE killmail_id = $1", NUMBER)
    await site.pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by) VALUES ($1, $2, 1)", NUMBER, "a" * 40
    )
    fetched = await fetch(site, sent)
    found = await rows(site)
    reference = await site.pool.fetchrow("SELECT * FROM killmail_refs WHERE killmail_id = $1", NUMBER)
    assert fetched is not None
    assert reference is not None
    if not fetched.stored:
        assert fetched.failed == 1
        assert set(found.values()) == {0}, "nothing half stored"
        assert reference["stored_at"] is None
        assert reference["attempts"] == 1
        return
    told = orjson.loads(await site.pool.fetchval("SELECT body FROM killmail_bodies WHERE killmail_id = $1", NUMBER))
    expected = {
        "killmails": 1,
        "killmail_bodies": 1,
        "participants": 1 + len(told["attackers"]),
        "killmail_arrivals": 1,
    }
    assert found == expected
    assert reference["stored_at"] is not None
    assert await fetch(site, sent) == FetchedKillmails(already_stored=1)
    assert await rows(site) == expected, "once"
    await appraise(site.pool, [NUMBER])
    if not await somebody_sees_it(site):
        return
    with caplog.at_level(logging.ERROR):
        answer = await browser.graphql(READ, id=str(NUMBER))
        assert "errors" not in answer, answer
        assert answer["data"]["killmail"]["id"] == str(NUMBER)
        for page in (f"/killmails/{NUMBER}", "/?all=1", "/export/killmails.csv", "/export/killmails.ndjson"):
            status, text = await browser.get(page)
            assert status == 200, (page, text[:500])
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture(scope="module")
async def priced(filled_site: Site) -> Site:
    """Everything on these killmails is dear."""
    kinds = {int(one) for one in re.findall(r'type_id": ?(\d+)', json.dumps(GOOD))}
    prices = [(kind, Decimal("1e15"), None) for kind in sorted(kinds)]
    await store_snapshot(filled_site.pool, date(2026, 1, 3), "", prices)
    return filled_site


@door("killmail bodies", short=30, seconds=60)
@given(sent=st.one_of(damaged(mutated(BODIES)), *[stretched(BODIES).map(str.encode)] * 2))
@example(sent=_many(MANY, 1))
@example(sent=_many(1, MANY))
@example(sent=_many(1, 1, 40))
@example(sent=_many(1, 1, 190))
async def test_a_body_is_stored_whole_or_not_at_all(
    priced: Site, pilot: Browser, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    caplog.clear()
    await check(priced, pilot, caplog, sent)
