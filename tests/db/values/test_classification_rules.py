"""Each rule of docs/classification.md on flags and damage, one by one."""

from __future__ import annotations

from typing import Any

import asyncpg

from db.values.rules import NO_SOLO_HULLS
from tests.db.bodies import Body
from tests.db.values.losses import ME, NPC, RIFTER, appraised, loss, shooter

THIRD = 90_000_003
OUR_CORPORATION, THEIR_CORPORATION, NPC_CORPORATION = 98_000_001, 98_000_002, 1_000_125
ALLIANCE = 99_000_001
FINAL = {"final_blow": True}
GUN = shooter(None, corporation_id=THEIR_CORPORATION, ship_type_id=35834)  # a structure's own
POLICE = shooter(None, corporation_id=NPC_CORPORATION)
DRONES = shooter(None, corporation_id=None, faction_id=500_021)
AGENT = shooter(NPC, corporation_id=1_000_293)


def shot(*attackers: Body, **victim: Any) -> Body:
    return {**loss(**victim), "attackers": list(attackers)}


async def flags(pool: asyncpg.Pool, killmail: Body) -> set[str]:
    row = await appraised(pool, killmail)
    return {flag for flag in ("solo", "npc", "awox") if row[flag]}


async def test_solo_is_one_player(pool: asyncpg.Pool) -> None:
    assert await flags(pool, shot(shooter(**FINAL))) == {"solo"}


async def test_with_help_of_players_it_is_not_solo(pool: asyncpg.Pool) -> None:
    for other in (shooter(THIRD), shooter(THIRD, damage=0), GUN):
        assert await flags(pool, shot(shooter(**FINAL), other)) == set(), other


async def test_npcs_do_not_spoil_a_solo_kill(pool: asyncpg.Pool) -> None:
    for other in (POLICE, DRONES, AGENT):
        assert await flags(pool, shot(shooter(damage=1), other | FINAL)) == {"solo"}, other


async def test_some_victims_are_no_feat(pool: asyncpg.Pool) -> None:
    assert {670, 33328, 588, 615, 672, 33475} <= set(NO_SOLO_HULLS)
    for hull in NO_SOLO_HULLS:
        assert await flags(pool, shot(shooter(**FINAL), hull=hull)) == set(), hull


async def test_a_structure_has_no_pilot_and_is_no_feat(pool: asyncpg.Pool) -> None:
    killmail = shot(shooter(**FINAL), hull=35832)
    del killmail["victim"]["character_id"]
    assert await flags(pool, killmail) == set()


async def test_npc_is_without_any_player(pool: asyncpg.Pool) -> None:
    for attackers in ([POLICE], [DRONES], [AGENT], [POLICE, DRONES, AGENT], []):
        assert await flags(pool, shot(*attackers)) == {"npc"}, attackers


async def test_a_structure_of_players_is_no_npc(pool: asyncpg.Pool) -> None:
    assert await flags(pool, shot(GUN | FINAL)) == set()


OURS = {"corporation_id": OUR_CORPORATION}


AWOXES: list[tuple[Body, Body, bool]] = [
    (OURS | FINAL, {}, True),
    (FINAL, {}, False),  # a stranger
    (OURS, {}, False),  # only helped
    (FINAL | {"alliance_id": ALLIANCE}, {"alliance_id": ALLIANCE}, True),
    (FINAL | {"alliance_id": ALLIANCE + 1}, {"alliance_id": ALLIANCE}, False),
    (FINAL | {"faction_id": 500_001}, {"faction_id": 500_001}, False),  # militias are no corporations
    (FINAL | {"corporation_id": NPC_CORPORATION}, {"corporation_id": NPC_CORPORATION}, False),
    (OURS | FINAL | {"character_id": ME}, {}, False),  # by their own hand
    (OURS | FINAL | {"character_id": None}, {}, False),  # their own structure's gun
    (OURS | FINAL, {"character_id": None}, False),  # taking down one's own structure
]


def said(person: Body) -> Body:
    """Without what is None: ESI leaves it out."""
    return {name: value for name, value in person.items() if value is not None}


async def test_awox(pool: asyncpg.Pool) -> None:
    for attacker, victim, awox in AWOXES:
        helper = shooter(THIRD, damage=9, final_blow="final_blow" not in attacker)
        killmail = shot(helper, said({**shooter(), **attacker}), **victim)
        killmail["victim"] = said(killmail["victim"])
        assert await flags(pool, killmail) == ({"awox"} if awox else set()), (attacker, victim)


async def test_top_damage_is_the_first_of_the_greatest(pool: asyncpg.Pool) -> None:
    for damages, top in (((5, 9, 3), 2), ((5, 9, 9), 2), ((0, 0), None), ((), None)):
        row = await appraised(pool, shot(*(shooter(THIRD + n, damage=damage) for n, damage in enumerate(damages))))
        assert (row["top_damage_ordinal"], row["damage_done"]) == (top, sum(damages))


def test_the_usual_victim_of_these_tests_is_no_exception() -> None:
    assert RIFTER not in NO_SOLO_HULLS
