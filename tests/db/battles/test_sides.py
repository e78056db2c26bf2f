"""Sides are inferred as they were, in fights whose truth EVE's stand-in tells; and battles are found as fought."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import aiohttp
import asyncpg
import pytest

import db.battles.read as room
from api.compiled.reads import CompiledReads
from db.battles.moved import move, with_moved
from db.battles.nodes import battle_nodes
from db.battles.read import BattleFilter, battle_of, battles_page
from db.intake.store import store_killmails
from db.killmails.cursors import decode_cursor
from db.killmails.filter import Viewer
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from tests.db.bodies import Body, body, raw

SEEDS = (1, 2, 3, 4, 5, 6, 7, 8)
LOSSES = 40
SIDES = {0: "red", 1: "blue"}


@pytest.fixture(scope="module")
async def universe() -> AsyncIterator[SandboxEve]:
    async with SandboxEve(SandboxOptions(first_killmails=1)) as eve:
        yield eve


async def fight(eve: SandboxEve, seed: int) -> tuple[list[Body], Mapping[int, str]]:
    """A battle's killmails, a day after that of the seed before, and the truth, by the control API."""
    asked = {"seed": seed, "losses": LOSSES, "ago": 86_400 * (20 - seed)}
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{eve.url}/_sandbox/fights", json=asked) as response:
            told = await response.json()
        bodies = []
        for one in told["killmails"]:
            async with http.get(f"{eve.url}/_sandbox/killmails/{one['killmail_id']}") as response:
                found: dict[str, Any] = await response.json()
            del found["killmail_hash"]
            bodies.append(found)
    return bodies, {int(character_id): side for character_id, side in told["sides"].items()}


async def test_nearly_everybody_is_on_the_side_they_fought_on(universe: SandboxEve, pool: asyncpg.Pool) -> None:
    fights = {seed: await fight(universe, seed) for seed in SEEDS}
    await store_killmails(pool, [raw(one) for bodies, _ in fights.values() for one in bodies])
    everybody = Viewer(tuple({one for _, truth in fights.values() for one in truth}))

    page = await battles_page(pool, everybody, len(SEEDS), None, BattleFilter())
    assert not page.has_more
    nodes = await battle_nodes(CompiledReads(pool).names, page.battles)
    assert [node["killmailCount"] for node in nodes] == [LOSSES] * len(SEEDS), "each is found, whole and by itself"
    for (bodies, truth), node in zip(reversed(fights.values()), nodes, strict=True):
        assert node["id"] == str(bodies[0]["killmail_id"])
        inferred = {int(one["character"]["id"]): side["number"] for side in node["sides"] for one in side["pilots"]}
        present = {
            one["character_id"]
            for killmail in bodies
            for one in (killmail["victim"], *killmail["attackers"])
            if "character_id" in one
        }
        assert inferred.keys() == present
        right = max(
            sum(truth[pilot] == names.get(side, "third") for pilot, side in inferred.items())
            for names in (SIDES, {0: "blue", 1: "red"})
        )
        assert right / len(inferred) >= 0.95, Counter((truth[pilot], side) for pilot, side in inferred.items())
        # Whatever is lost is lost by somebody, and its pilots did what its killmails say.
        lost = sum(side["shipsLost"] + side["capsulesLost"] for side in node["sides"])
        assert lost == LOSSES
        done = sum(one["damageDone"] for side in node["sides"] for one in side["pilots"])
        assert done == sum(one["damage_done"] for each in bodies for one in each["attackers"] if "character_id" in one)

    # Page by page, the same; by any killmail of it, too; and only those with a loss in a place.
    by_page, after = [], None
    for _ in SEEDS:
        step = await battles_page(pool, everybody, 1, after, BattleFilter())
        by_page += [battle.battle_id for battle in step.battles]
        after = decode_cursor(step.end_cursor) if step.end_cursor and step.has_more else None
    assert by_page == [battle.battle_id for battle in page.battles]
    bodies, _ = fights[3]
    found = await battle_of(pool, everybody, bodies[-1]["killmail_id"])
    assert found is not None
    assert found.battle_id == bodies[0]["killmail_id"]
    assert found.is_whole
    there = await battles_page(pool, everybody, 9, None, BattleFilter(bodies[0]["solar_system_id"]))
    assert bodies[0]["killmail_id"] in [battle.battle_id for battle in there.battles]
    assert len(there.battles) < len(SEEDS)
    ended = datetime.fromisoformat(bodies[-1]["killmail_time"])
    since = await battles_page(pool, everybody, 9, None, BattleFilter(since=ended))
    assert [battle.battle_id for battle in since.battles] == by_page[: len(SEEDS) - 2]
    until = await battles_page(pool, everybody, 9, None, BattleFilter(until=ended))
    assert [battle.battle_id for battle in until.battles] == by_page[len(SEEDS) - 2 :]


RED, BLUE, OTHER = (90_000_001, 90_000_002), (90_000_011, 90_000_012), (90_000_021, 90_000_022)
CORPORATION = {**dict.fromkeys(RED, 98_000_001), **dict.fromkeys(BLUE, 98_000_002), **dict.fromkeys(OTHER, 98_000_003)}


def shot(killmail_id: int, victim: int, attackers: tuple[int, ...], minute: int, system: int = 30_000_142) -> Body:
    made = body(killmail_id, victim=victim, attackers=attackers, minute=minute, solar_system_id=system)
    for one in (made["victim"], *made["attackers"]):
        one["corporation_id"] = CORPORATION[one["character_id"]]
    return made


async def test_what_belongs_together_is_one_battle(pool: asyncpg.Pool) -> None:
    capsule = shot(4, RED[0], BLUE, 3)
    capsule["victim"]["ship_type_id"] = 670
    await store_killmails(
        pool,
        [
            raw(one)
            for one in (
                shot(1, RED[0], BLUE, 0),
                shot(2, BLUE[0], RED, 2),
                shot(3, BLUE[1], (RED[0],), 3),
                capsule,
                shot(5, RED[1], BLUE, 17),  # after a quarter of an hour less a minute
                shot(6, BLUE[1], RED, 25, system=30_002_187),  # both sides moved on
                shot(7, OTHER[0], (OTHER[1],), 5),  # in the same place, but nobody of theirs
                shot(8, RED[1], BLUE, 60),  # another day's fight, and too small for a battle
                shot(9, BLUE[1], (*RED, OTHER[0]), 61),
            )
        ],
    )
    everybody = Viewer((*RED, *BLUE, *OTHER))
    page = await battles_page(pool, everybody, 10, None, BattleFilter())
    assert [[one.killmail_id for one in battle.group.killmails] for battle in page.battles] == [[1, 2, 3, 4, 5, 6]]
    (node,) = await battle_nodes(CompiledReads(pool).names, page.battles)
    assert [(side["shipsLost"], side["capsulesLost"], side["pilotCount"]) for side in node["sides"]] == [
        (2, 1, 2),
        (3, 0, 2),
    ], "red, then blue"
    assert await battle_of(pool, everybody, 7) is None
    # A viewer who sees less of it is told of no more: by the losses of one side alone.
    half = await battle_of(pool, Viewer((RED[0],)), 1)
    assert half is not None
    assert [one.killmail_id for one in half.group.killmails] == [1, 2, 3, 4]
    assert await battle_of(pool, Viewer((RED[0],)), 5) is None, "not theirs to see"


async def test_two_who_moved_on_belong_together_though_one_of_them_was_there_before_the_other(
    pool: asyncpg.Pool,
) -> None:
    """What one of them shot alone in between, here or there, parts nothing."""
    there = 30_002_187
    await store_killmails(
        pool,
        [
            raw(one)
            for one in (
                shot(1, BLUE[0], RED, 0),
                shot(2, OTHER[0], (RED[1],), 1),
                shot(3, BLUE[1], (RED[0],), 8, system=there),
                shot(4, OTHER[1], RED, 15, system=there),
                shot(5, BLUE[0], RED, 31, system=30_000_144),  # too late for whoever was on the fourth
            )
        ],
    )
    page = await battles_page(pool, Viewer(RED), 10, None, BattleFilter())
    assert [[one.killmail_id for one in battle.group.killmails] for battle in page.battles] == [[1, 2, 3, 4]]


async def test_every_page_gets_further_and_leaves_no_battle_out_however_little_it_may_read(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One fight has more victims and attackers in a quarter of an hour than a page may read."""
    monkeypatch.setattr(room, "MOST_LOOKED_AT", 20)
    fights = [[shot(start + number, BLUE[number % 2], RED, start + number) for number in range(size)]
              for start, size in ((1, 4), (70, 15), (130, 3), (200, 4))]  # fmt: skip
    await store_killmails(pool, [raw(one) for fight in fights for one in fight])
    found, after = list[list[int]](), None
    for _ in range(20):
        page = await battles_page(pool, Viewer((*RED, *BLUE)), 10, after, BattleFilter())
        found += [[one.killmail_id for one in battle.group.killmails] for battle in page.battles]
        if not page.has_more:
            break
        assert page.end_cursor is not None
        before, after = after, decode_cursor(page.end_cursor)
        assert before is None or after < before
    assert not page.has_more
    latest, small, part, oldest = found
    assert (latest, small, oldest) == ([200, 201, 202, 203], [130, 131, 132], [1, 2, 3, 4])
    assert part[-1] == 84, "of more than can be read a part is told, and once"


def test_whoever_was_moved_by_hand_stays_there_when_killmails_arrive_later() -> None:
    inferred = {1: 0, 2: 0, 3: 1, 4: 2}
    moved = move(inferred, 4, 1)
    assert moved == {1: 0, 2: 0, 3: 1, 4: 1}
    assert move(inferred, 3, 0) == {1: 0, 2: 0, 3: 0, 4: 1}, "a side that nobody is on any more goes"
    assert move(moved, 2, 2) == {1: 0, 2: 2, 3: 1, 4: 1}, "a side of its own"
    assert move(inferred, 9, 0) is move(inferred, 1, 4) is move(inferred, 1, -1) is None
    # Later the inference has turned around, 1 has parted from 2, and three newcomers are there.
    later = {3: 0, 4: 0, 8: 0, 2: 1, 5: 1, 1: 2, 6: 3}
    assert with_moved(later, moved) == {1: 0, 2: 0, 5: 0, 3: 1, 4: 1, 8: 1, 6: 2}
    assert with_moved(later, {}) == later
