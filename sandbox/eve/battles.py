"""Killmails that look like real ones, drawn from dice: who died to whom, in what, where.

Who is shown a killmail is decided when it is planned, cheaply; the body is drawn when it is asked for.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sandbox.eve import fits, fitting
from sandbox.eve.attackers import Attackers
from sandbox.eve.celestials import haunt, near
from sandbox.eve.clock import iso
from sandbox.eve.fitting import Fitting
from sandbox.eve.killmails import Killmail
from sandbox.eve.people import Character, Corporation, People
from sandbox.eve.places import solar_systems

POSITIONS_SINCE = 1_446_336_000.0
"""Bodies older than November 2015 have no position."""


class Scenario(StrEnum):
    """What happened. Each is a shape that real killmails have."""

    SOLO = "solo"
    GANG = "gang"
    BLOB = "blob"
    CAPSULE = "capsule"
    HAULER = "hauler"
    CAPITAL = "capital"
    NPC_ONLY = "npc_only"
    NPC_FINAL_BLOW = "npc_final_blow"
    STRUCTURE = "structure"
    DEPLOYABLE = "deployable"


_WEIGHTS = {
    Scenario.SOLO: 22,
    Scenario.GANG: 40,
    Scenario.BLOB: 4,
    Scenario.CAPSULE: 14,
    Scenario.HAULER: 9,
    Scenario.CAPITAL: 2,
    Scenario.NPC_ONLY: 3,
    Scenario.NPC_FINAL_BLOW: 2,
    Scenario.STRUCTURE: 2,
    Scenario.DEPLOYABLE: 2,
}
_VICTIMLESS = (Scenario.STRUCTURE, Scenario.DEPLOYABLE)
_DRAWN = [scenario for scenario, weight in _WEIGHTS.items() for _ in range(weight)]
_AS_VICTIM = [scenario for scenario in _DRAWN if scenario not in _VICTIMLESS]
_AS_FINAL_BLOW = [scenario for scenario in _DRAWN if scenario is not Scenario.NPC_ONLY]
_SYSTEMS = tuple(solar_systems())


@dataclass(frozen=True, slots=True)
class Plan:
    """One killmail to be. `victim` None: a corporation's property; `last` None: no player did damage."""

    killmail_id: int
    time: float
    scenario: Scenario
    owner: Corporation | None
    victim: Character | None
    last: Character | None


class Battles:
    """Draws killmails among the people of a seed."""

    def __init__(self, seed: int, people: People) -> None:
        self.seed = seed
        self.people = people

    def scenario(self, dice: random.Random, role: str) -> Scenario:
        """One in which a pilot can have this role, "victim" or "final_blow"."""
        return dice.choice(_AS_VICTIM if role == "victim" else _AS_FINAL_BLOW)

    def plan(
        self, dice: random.Random, killmail_id: int, time: float, pilot: Character, role: str, other: Character | None
    ) -> Plan:
        """A killmail that lists `pilot` in `role`; `other` has the other role, None: a stranger."""
        scenario = self.scenario(dice, role)
        opponent = other or dice.choice(self.people.strangers)
        victim, last = (pilot, opponent) if role == "victim" else (opponent, pilot)
        owner = None
        if scenario in _VICTIMLESS:
            corporations = [one for one in self.people.corporations.values() if one.ceo_id]
            owner = dice.choice([one for one in corporations if one.corporation_id != last.corporation_id])
        return Plan(
            killmail_id,
            time,
            scenario,
            owner,
            None if owner else victim,
            None if scenario is Scenario.NPC_ONLY else last,
        )

    def killmail(self, plan: Plan) -> Killmail:
        """What the plan makes; its body is drawn when first read, always the same."""
        digest = hashlib.sha1(f"{self.seed} {plan.killmail_id}".encode(), usedforsecurity=False).hexdigest()
        victim_corporation = plan.owner or (self._corporation(plan.victim) if plan.victim else None)
        return Killmail(
            plan.killmail_id,
            digest,
            plan.time,
            (
                plan.victim.character_id if plan.victim else None,
                victim_corporation.corporation_id if victim_corporation else None,
            ),
            (plan.last.character_id, plan.last.corporation_id) if plan.last else (None, None),
            lambda: self.body(plan),
        )

    def body(self, plan: Plan) -> dict[str, Any]:
        """As ESI gives it: what does not apply is absent, never null."""
        dice = random.Random(f"{self.seed} body {plan.killmail_id}")
        ship, items, damage = self._wreck(dice, plan.scenario)
        victim: dict[str, Any] = self._side(plan.victim) if plan.victim else self._property(plan.owner)
        victim |= {"damage_taken": damage, "ship_type_id": ship}
        if items or dice.random() < 0.9:
            victim["items"] = items
        where = random.Random(dice.random())
        attackers = Attackers(dice, self.people).of(plan.scenario, plan.last, damage, avoiding=plan.victim)
        system_id = dice.choice(_SYSTEMS)
        if plan.time >= POSITIONS_SINCE:
            victim["position"] = near(haunt(system_id, where), where)
        body = {
            "attackers": attackers,
            "killmail_id": plan.killmail_id,
            "killmail_time": iso(plan.time),
            "solar_system_id": system_id,
            "victim": victim,
        }
        if plan.scenario is Scenario.DEPLOYABLE and dice.random() < 0.4:
            body["moon_id"] = dice.randint(40_000_000, 40_300_000)
        if dice.random() < 0.06:
            body["war_id"] = dice.randint(500_000, 780_000)
        return body

    def _wreck(self, dice: random.Random, scenario: Scenario) -> tuple[int, list[fitting.Item], int]:
        """The hull, what was in it, and the damage it took."""
        fit = Fitting(dice)
        if scenario is Scenario.CAPSULE:
            return dice.choice(fitting.CAPSULES), fit.capsule(), dice.randint(380, 1_200)
        if scenario is Scenario.STRUCTURE:
            return dice.choice(fitting.STRUCTURES), fit.structure(), dice.randint(3_000_000, 20_000_000)
        if scenario is Scenario.DEPLOYABLE:
            return dice.choice(fitting.DEPLOYABLES), [], dice.choice([0, dice.randint(5_000, 4_000_000)])
        if scenario is Scenario.CAPITAL:
            chosen = dice.choice(fits.CARRIERS)
        elif scenario is Scenario.HAULER:
            chosen = dice.choice(fits.HAULERS)
        else:
            chosen = dice.choice(dice.choice(fits.COMBAT))
        carried = fit.hold(chosen) if scenario is Scenario.HAULER else []
        return chosen.hull, fit.ship(chosen) + carried, dice.randint(*chosen.damage)

    def _side(self, character: Character) -> dict[str, Any]:
        corporation = self._corporation(character)
        side: dict[str, Any] = {
            "character_id": character.character_id,
            "corporation_id": character.corporation_id,
        }
        if corporation and corporation.alliance_id:
            side["alliance_id"] = corporation.alliance_id
        if character.faction_id:
            side["faction_id"] = character.faction_id
        return side

    def _property(self, owner: Corporation | None) -> dict[str, Any]:
        if owner is None:
            return {}
        alliance = {"alliance_id": owner.alliance_id} if owner.alliance_id else {}
        return {"corporation_id": owner.corporation_id, **alliance}

    def _corporation(self, character: Character) -> Corporation | None:
        return self.people.corporations.get(character.corporation_id)


def history(battles: Battles, counts: Sequence[int], founded: float, span_seconds: float, older: int) -> list[Killmail]:
    """The past of a universe: `counts[n]` killmails listed to pilot n within `span_seconds` before `founded`.

    A sixth of them are fought between two pilots, and counted for both. Some pilots have `older` ones too, from
    the years before, that no list shows any more.
    """
    dice = random.Random(f"{battles.seed} history")
    pilots = battles.people.pilots
    missing = dict(zip((pilot.character_id for pilot in pilots), counts, strict=True))
    pairs: list[tuple[Character, Character | None]] = []
    for pilot in pilots:
        while missing[pilot.character_id] > 0:
            missing[pilot.character_id] -= 1
            rivals = [
                rival
                for rival in pilots
                if missing[rival.character_id] > 0 and rival.corporation_id != pilot.corporation_id
            ]
            rival = dice.choice(rivals) if rivals and dice.random() < 1 / 6 else None
            if rival:
                missing[rival.character_id] -= 1
            pairs.append((pilot, rival))
    dice.shuffle(pairs)
    made: list[Killmail] = []
    killmail_id = 138_000_000
    # A pilot's list must be exact, so a rival may not be lost to a scenario without victim or final blow.
    for number, (pilot, rival) in enumerate(pairs):
        killmail_id += dice.randint(1, 9)
        time = founded - span_seconds * (1 - (number + 1) / (len(pairs) + 1))
        role = dice.choice(("victim", "final_blow"))
        plan = battles.plan(dice, killmail_id, time, pilot, role, rival)
        while rival and (plan.victim is None or plan.last is None):
            plan = battles.plan(dice, killmail_id, time, pilot, role, rival)
        made.append(battles.killmail(plan))
    for number in range(older):
        # Ids have grown about evenly since 2008.
        age = (number + 1) / (older + 1)
        time = founded - span_seconds - age * 14 * 365 * 86_400
        plan = battles.plan(dice, int(137_000_000 * (1 - age)) + number, time, pilots[number % 3],
                            dice.choice(("victim", "final_blow")), None)  # fmt: skip
        made.append(battles.killmail(plan))
    return made
