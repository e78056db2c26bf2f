"""Statistics add up to what a plain look at each killmail gives, and contain nothing the viewer may not see."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from db.killmails.filter import ParticipantFilter, Viewer
from db.killmails.statistics import Subject, statistics
from tests.db.bodies import START, Body
from tests.db.drawn import ALLIANCES, ALT, CORPORATION, CORPORATIONS, ME, PILOTS, SYSTEMS

VIEWER = Viewer((ME, ALT), (CORPORATION,))
Ours = Callable[[dict[str, Any]], bool]


def visible(killmail: Body, *, boards: bool = True) -> bool:
    return any(
        one["character_id"] in (ME, ALT) or (boards and one["corporation_id"] == CORPORATION)
        for one in (killmail["victim"], *killmail["attackers"])
    )


def subjects() -> Iterator[tuple[Subject, Ours]]:
    yield Subject(), lambda one: one["character_id"] in (ME, ALT)
    for column, ids in (
        ("character_id", PILOTS),
        ("corporation_id", CORPORATIONS),
        ("alliance_id", ALLIANCES),
        ("ship_type_id", [587, 670]),
    ):
        for identity in ids:
            yield Subject(ParticipantFilter(**{column: identity})), _has(column, identity)


def _has(column: str, identity: int) -> Ours:
    return lambda one: one.get(column) == identity


def isk(killmails: list[Body]) -> str:
    value = sum((one["appraisal"]["value"] or Decimal(0) for one in killmails), Decimal(0))
    return f"{value.quantize(Decimal('0.01'), 'ROUND_HALF_UP'):.2f}"


@pytest.mark.parametrize("days", [None, 0.03])
async def test_they_add_up(pool: asyncpg.Pool, killmails: list[Body], days: float | None) -> None:
    since = None if days is None else START + timedelta(days=days)
    for subject, ours in subjects():
        alone = subject == Subject()
        mine = [
            one
            for one in killmails
            if visible(one, boards=not alone)
            and any(map(ours, (one["victim"], *one["attackers"])))
            and (since is None or datetime.fromisoformat(one["killmail_time"]) >= since)
        ]
        lost = [one for one in mine if ours(one["victim"])]
        kills = [one for one in mine if not ours(one["victim"])]
        told = await statistics(pool, VIEWER, subject, since, None, top=3)
        assert (told["kills"], told["losses"]) == (len(kills), len(lost))
        assert (told["iskDestroyed"], told["iskLost"]) == (isk(kills), isk(lost))
        assert told["soloKills"] == sum(one["appraisal"]["solo"] for one in kills)
        assert told["soloShare"] == (told["soloKills"] / len(kills) if kills else None)
        assert sum(day["kills"] for day in told["daily"]) == len(kills)
        hours = Counter(datetime.fromisoformat(one["killmail_time"]).hour for one in mine)
        assert {cell["hour"]: cell["kills"] + cell["losses"] for cell in told["activity"]} == hours
        victims = Counter(one["victim"]["character_id"] for one in kills)
        assert [row["killmails"] for row in told["topVictims"]] == sorted(victims.values(), reverse=True)[:3]
        assert all(victims[int(row["character"]["id"])] == row["killmails"] for row in told["topVictims"])
        pilots = Counter(
            pilot for one in kills for pilot in {who["character_id"] for who in one["attackers"] if ours(who)}
        )
        assert all(pilots[int(row["character"]["id"])] == row["killmails"] for row in told["topPilots"])
        assert len(told["topPilots"]) == min(3, len(pilots))
        systems = Counter(one["solar_system_id"] for one in mine)
        assert [row["killmails"] for row in told["topSystems"]] == sorted(systems.values(), reverse=True)[:3]


async def test_a_system_has_killmails_and_no_losses(pool: asyncpg.Pool, killmails: list[Body]) -> None:
    system = 30_000_002
    there = [one for one in killmails if one["solar_system_id"] == system and visible(one)]
    told = await statistics(pool, VIEWER, Subject(solar_system_id=system), None, datetime(2027, 1, 1, tzinfo=UTC))
    assert (told["kills"], told["losses"], told["iskLost"], told["efficiency"]) == (len(there), None, None, None)
    assert told["iskDestroyed"] == isk(there)
    (only,) = told["topSystems"]
    assert only["solarSystem"]["security"] == "0.5"
    assert only["solarSystem"]["constellation"]["id"] == str(SYSTEMS[system][1])
    ships: dict[int, set[int]] = defaultdict(set)
    for one in there:
        for attacker in one["attackers"]:
            ships[attacker["ship_type_id"]].add(one["killmail_id"])
    assert {int(row["ship"]["id"]): row["killmails"] for row in told["topShips"]} == {
        ship: len(ids) for ship, ids in ships.items()
    }


@pytest.mark.usefixtures("killmails")
async def test_nobody_sees_statistics_of_what_they_may_not_see(pool: asyncpg.Pool) -> None:
    stranger = Viewer((90_000_099,))
    for subject in (Subject(), Subject(ParticipantFilter(character_id=ME)), Subject(solar_system_id=30_000_002)):
        for viewer in (stranger, Viewer(())):
            told = await statistics(pool, viewer, subject, None, None)
            assert (told["kills"], told["iskDestroyed"], told["soloShare"]) == (0, "0.00", None)
            assert told["daily"] == told["topSystems"] == told["topPilots"] == []
