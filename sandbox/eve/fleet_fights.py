"""Battles of two fleets: each side of several alliances and corporations in its doctrine, and who was whose is known.

As in real ones there is noise: a third party that shoots at either side, an accident among friends, rats on a
killmail, pilots in corporations of EVE's own, capsules after their ships, and a part of it fought a system further on.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.eve import fitting
from sandbox.eve.attackers import Attackers
from sandbox.eve.battles import POSITIONS_SINCE
from sandbox.eve.celestials import Celestial, haunt, near
from sandbox.eve.clock import iso
from sandbox.eve.fits import DOCTRINES, Fit
from sandbox.eve.fitting import Fitting
from sandbox.eve.people import Character, People
from sandbox.eve.places import solar_systems

RED, BLUE, THIRD = "red", "blue", "third"
FLEET = (14, 40)
"""Pilots on a side."""
_LOSS_EVERY = (8, 75)
"""Seconds between two losses."""
LONGEST_PAUSE = _LOSS_EVERY[1]
_SYSTEMS = tuple(solar_systems())

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Pilots of one side, and what each of them flies."""

    pilots: Sequence[Character]
    flown: dict[int, Fit]


class FleetFight:
    """One battle, drawn from `dice`. `commanders` are on every killmail of their side's making: red's, then blue's."""

    def __init__(self, dice: random.Random, people: People, commanders: Sequence[Character] = ()) -> None:
        self._dice = dice
        self._people = people
        parties: defaultdict[int, list[Character]] = defaultdict(list)
        for one in (*people.pilots, *people.strangers):
            parties[self._party(one)].append(one)
        self._commanders = dict(zip((RED, BLUE), commanders, strict=False))
        led = {self._party(one): side for side, one in self._commanders.items()}
        order = sorted(parties, key=lambda party: (party not in led, dice.random()))
        large = [party for party in order if len(parties[party]) > 1]
        mercenaries = [parties[party][0] for party in order if party not in large and party not in led]
        ranks: dict[str, list[Character]] = {RED: [], BLUE: [], THIRD: []}
        # The last stays out of it, but for what it can shoot.
        for number, party in enumerate(large[:-1]):
            ranks[led.get(party, (RED, BLUE)[number % 2])] += parties[party]
        ranks[THIRD] = dice.sample(parties[large[-1]], min(3, len(parties[large[-1]])))
        self._next_prey = RED  # of the third party, which shoots at both by turns
        self._fleets = {side: self._fleet(side, ranks[side], mercenaries) for side in (RED, BLUE, THIRD)}

    @property
    def sides(self) -> dict[int, str]:
        """Whose side each pilot was on."""
        return {one.character_id: side for side, fleet in self._fleets.items() for one in fleet.pilots}

    def bodies(self, killmail_ids: Sequence[int], start: float) -> Iterator[Body]:
        """A killmail for each id, in the order of time from `start` (seconds since 1970) on."""
        dice, time = self._dice, start
        here, there = dice.sample(_SYSTEMS, 2)
        grids = {system: haunt(system, random.Random(f"{start} {system}")) for system in (here, there)}
        moves_on = dice.random() < 0.5
        pods: list[tuple[float, Character]] = []
        for number, killmail_id in enumerate(killmail_ids):
            time += dice.randint(*_LOSS_EVERY)
            system = there if moves_on and number > len(killmail_ids) * 0.6 else here
            pod = pods.pop(0)[1] if pods and dice.random() < 0.8 else None
            losing = RED if dice.random() < 0.5 else BLUE
            if pod is None and dice.random() < 0.03:
                losing = THIRD
            victim = pod or dice.choice(self._fleets[losing].pilots)
            yield self._body(killmail_id, time, grids[system], victim, is_pod=pod is not None)
            if pod is None and dice.random() < 0.5:
                pods.append((time, victim))

    def _fleet(self, side: str, ranks: list[Character], mercenaries: list[Character]) -> Fleet:
        dice, commander = self._dice, self._commanders.get(side)
        pilots = dice.sample(ranks, min(len(ranks), dice.randint(*FLEET)))
        if side != THIRD:
            pilots += [mercenaries.pop() for _ in range(2)]
        if commander is not None and commander not in pilots:
            pilots.append(commander)
        doctrine = dice.choice(DOCTRINES)
        return Fleet(pilots, {one.character_id: dice.choice(doctrine) for one in pilots})

    def _body(self, killmail_id: int, time: float, grid: Celestial, victim: Character, *, is_pod: bool) -> Body:
        dice, fit = self._dice, Fitting(self._dice)
        losing = self.sides[victim.character_id]
        fleet = self._fleets[losing]
        flown = fleet.flown[victim.character_id]
        hull = dice.choice(fitting.CAPSULES) if is_pod else flown.hull
        damage = dice.randint(380, 1_200) if is_pod else dice.randint(*flown.damage)
        lost = {
            **self._flag(victim),
            "damage_taken": damage,
            "ship_type_id": hull,
            "items": fit.capsule() if is_pod else fit.ship(flown),
        }
        if time >= POSITIONS_SINCE:
            lost["position"] = near(grid, dice)
        return {
            "attackers": self._attackers(victim, losing, damage, few=is_pod),
            "killmail_id": killmail_id,
            "killmail_time": iso(time),
            "solar_system_id": grid.solar_system_id,
            "victim": lost,
        }

    def _attackers(self, victim: Character, losing: str, damage: int, *, few: bool) -> list[Body]:
        dice = self._dice
        winning = {RED: BLUE, BLUE: RED, THIRD: dice.choice((RED, BLUE))}[losing]
        crowd = [*self._fleets[winning].pilots]
        hunters = dice.sample(crowd, min(len(crowd), dice.randint(1, 4) if few else dice.randint(3, 22)))
        luck = dice.random()
        if losing == self._next_prey and luck < 0.4:
            hunters += self._fleets[THIRD].pilots
            self._next_prey = winning
        elif luck > 0.97:
            hunters.append(dice.choice([one for one in self._fleets[losing].pilots if one != victim]))
        commander = self._commanders.get(winning)
        if commander is not None and commander not in hunters:
            hunters.append(commander)
        draw = Attackers(dice, self._people)
        attackers = [{**draw.player(one), **self._ship(one)} for one in hunters]
        if dice.random() < 0.05:
            attackers.append(draw.npc())
        # ESI lists a killmail to who had the final blow: a commander has their share, and so sees the battle.
        leads = commander is not None and dice.random() < 0.4
        of_leader = [one for one in attackers if commander and one.get("character_id") == commander.character_id]
        dice.choice(of_leader if leads else attackers[: len(hunters)])["final_blow"] = True
        for attacker, done in zip(attackers, draw.shares(damage, len(attackers)), strict=True):
            attacker["damage_done"] = done
        return sorted(attackers, key=lambda attacker: -int(attacker["damage_done"]))

    def _ship(self, one: Character) -> Body:
        flown = self._fleets[self.sides[one.character_id]].flown[one.character_id]
        return {"ship_type_id": flown.hull, "weapon_type_id": flown.weapon}

    def _flag(self, one: Character) -> Body:
        corporation = self._people.corporations.get(one.corporation_id)
        alliance = {"alliance_id": corporation.alliance_id} if corporation and corporation.alliance_id else {}
        return {"character_id": one.character_id, "corporation_id": one.corporation_id, **alliance}

    def _party(self, one: Character) -> int:
        corporation = self._people.corporations.get(one.corporation_id)
        if corporation is None or corporation.ceo_id is None:
            return one.character_id
        return corporation.alliance_id or corporation.corporation_id
