"""What ESI tells of people, systems and types: kept and shown, or refused; nothing stops what stands beside it."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.details import LOOKUPS
from db.universe.details import Kind, store_details
from db.universe.names import store_names, store_solar_systems
from eve.decoding import decoded, entries
from eve.errors import EveError
from eve.esi.documents import NamedId, SolarSystem
from tests.api.compiled.varied_killmails import FEED, ME
from tests.api.running_site import Browser
from tests.fuzz.doors import door
from tests.fuzz.odd_json import damaged, mutated, stretched

SYSTEM = 30_000_142
SYSTEMS = st.just({"system_id": SYSTEM, "name": "Jita", "security_status": 0.9, "constellation_id": 20_000_020})
NAMES = st.just(
    [
        {"id": ME, "category": "character", "name": "A Pilot"},
        {"id": 98_000_001, "category": "corporation", "name": "x" * 40},
        {"id": 587, "category": "inventory_type", "name": "Rifter"},
    ]
)
DETAILS = st.just(
    {
        "birthday": "2010-01-02T03:04:05Z",
        "security_status": 4.5,
        "name": "A Pilot",
        "ticker": "<T>",
        "group_id": 25,
        "category_id": 6,
        "region_id": 10_000_002,
    }
)


def odd(documents: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return st.one_of(damaged(mutated(documents)), stretched(documents).map(str.encode))


@door("names, systems and details of ESI", short=25, seconds=40)
@given(
    names=odd(NAMES),
    system=odd(SYSTEMS),
    details=odd(DETAILS),
    kind=st.sampled_from(sorted(LOOKUPS, key=lambda kind: kind.name)),
    length=st.sampled_from([0, 0, 0, 2_500, 60_000]),
    letter=st.characters(exclude_categories=["Cs"]),
)
async def test_what_is_told_is_kept_and_shown(
    pilot: Browser,
    caplog: pytest.LogCaptureFixture,
    names: bytes,
    system: bytes,
    details: bytes,
    kind: Kind,
    length: int,
    letter: str,
) -> None:
    pool = pilot.site.pool
    with contextlib.suppress(EveError):
        told = decoded(system, SolarSystem, "ESI")
        await store_solar_systems(pool, [(SYSTEM, told.security_status, told.constellation_id)])
    with contextlib.suppress(EveError):
        found = [(one.id, one.category, one.name) for one in entries(names, NamedId, "ESI").good]
        long = "".join(f"{letter}{number}" for number in range(length))
        await store_names(pool, [*found, (ME, "character" + letter, long)] if long else found)
    with contextlib.suppress(EveError):
        lookup = LOOKUPS[kind]
        await store_details(pool, kind, {587 if kind.name == "type" else ME: lookup.read(details).columns}, ())
    with caplog.at_level(logging.ERROR):
        assert "errors" not in await pilot.graphql(FEED)
        for page in ("/?all=1", "/killmails/1", f"/systems/{SYSTEM}", f"/characters/{ME}", "/types/587", "/search?q=a"):
            status, text = await pilot.get(page)
            assert status in (200, 404), (page, text[:500])
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    caplog.clear()
    assert not failures
