"""The bench of looks says what was carried at what cost, and fails when that is not what the project aims at."""

from __future__ import annotations

import math

from sandbox.benches.installed import WORKER
from sandbox.benches.pilots import TEMPORAL, Moment, judged
from sandbox.eve.killmails import ListKind
from sandbox.eve.options import SandboxOptions
from sandbox.eve.world import World


def moment(at: float, spent: float, late: dict[float, float]) -> Moment:
    return Moment(at, {TEMPORAL: spent, WORKER: spent, "Postgres": 0.1}, late, refreshes=at / 2, found=0)


def test_a_goal_that_is_missed_is_said() -> None:
    begun = moment(0, 0, {1.0: 0, 60.0: 0, 120.0: 0, math.inf: 0})
    good = judged(70, (5, 4), begun, moment(100, 70, {1.0: 4000, 60.0: 7000, 120.0: 7000, math.inf: 7000}))
    assert "70.0 looks/s of 70 offered" in good.lines[0]
    assert "63,000 pilots at 900 s; half of them at most 1 s late, 99 of 100 at most 60 s" in good.lines[0]
    assert "Temporal 10.0, killreport worker 10.0" in good.lines[2]
    assert "a look is 2.0 and 2.5 times as much" in good.lines[3]
    assert not good.missed

    bad = judged(70, (5, 4), begun, moment(100, 80, {1.0: 0, 60.0: 4900, 120.0: 5000, math.inf: 5000}))
    assert bad.missed == [
        "looks carried: 50 a second, not ≥ 66.5 a second",
        "lateness of 99 looks of 100: 120 s, not ≤ 60 s",
        "a look costs Temporal: 16 ms, not ≤ 14 ms",
        "a look costs the worker: 16 ms, not ≤ 10 ms",
    ]
    assert judged(70, (5, 4), begun, begun).missed == ["nobody was looked at"]


def test_a_universe_holds_as_many_pilots_as_are_wanted() -> None:
    world = World(SandboxOptions(pilots=1_050, history=False))
    assert len({pilot.name for pilot in world.roster.pilots}) == 1_050
    now = world.clock.now()
    assert not any(world.killmails.listed(ListKind.CHARACTER, pilot.character_id, now) for pilot in world.roster.pilots)
