"""The attackers of one killmail: exactly one final blow, damage that sums up, sorted by damage done."""

from __future__ import annotations

import random
from typing import Any

from sandbox.eve import fits, fitting
from sandbox.eve.people import Character, People

Attacker = dict[str, Any]

_NPC_CORPORATIONS = (1_000_125, 1_000_127, 1_000_133, 1_000_134, 1_000_135)
_NPC_FACTIONS = (500_010, 500_011, 500_012, 500_019, 500_020, 500_021)


class Attackers:
    """Draws them from one killmail's dice."""

    def __init__(self, dice: random.Random, people: People) -> None:
        self.dice = dice
        self.people = people

    def of(self, scenario: str, last: Character | None, damage: int, avoiding: Character | None) -> list[Attacker]:
        """As ESI lists them. `last` has the final blow, unless the scenario gives it to an NPC."""
        dice = self.dice
        count = self._count(scenario)
        known = {one.character_id for one in (last, avoiding) if one}
        crowd = [one for one in (*self.people.strangers, *self.people.pilots) if one.character_id not in known]
        company = dice.sample(crowd, min(count, len(crowd)) - 1) if last else []
        attackers = [self.player(one) for one in company]
        if last:
            attackers.append(self.player(last))
        final = len(attackers) - 1
        if scenario in ("npc_only", "npc_final_blow"):
            # A player who did less than nobody: `last` stays the only player, so that no other was "the last".
            attackers = [self.player(last)] if last else []
            attackers += [self.npc() for _ in range(dice.randint(1, 4))]
            final = len(attackers) - 1
        elif dice.random() < 0.05:
            attackers.append(self.npc())
        attackers[final]["final_blow"] = True
        for attacker, done in zip(attackers, self.shares(damage, len(attackers)), strict=True):
            attacker["damage_done"] = done
        attackers.sort(key=lambda attacker: -int(attacker["damage_done"]))
        return attackers

    def _count(self, scenario: str) -> int:
        dice = self.dice
        if scenario in ("solo", "npc_only", "npc_final_blow"):
            return 1
        if scenario == "blob":
            return dice.choice([40, 90, 180, 420])
        if scenario in ("structure", "capital"):
            return dice.randint(8, 60)
        return min(dice.randint(1, 12), dice.randint(2, 30))

    def shares(self, damage: int, count: int) -> list[int]:
        """What each of so many did, together `damage`."""
        cuts = sorted(self.dice.randint(0, damage) for _ in range(count - 1))
        return [high - low for low, high in zip([0, *cuts], [*cuts, damage], strict=True)]

    def player(self, character: Character) -> Attacker:
        """A pilot who has done nothing yet, in some ship."""
        dice = self.dice
        corporation = self.people.corporations.get(character.corporation_id)
        attacker: Attacker = {
            "character_id": character.character_id,
            "corporation_id": character.corporation_id,
            "damage_done": 0,
            "final_blow": False,
            "security_status": character.security_status,
        }
        if corporation and corporation.alliance_id:
            attacker["alliance_id"] = corporation.alliance_id
        if character.faction_id:
            attacker["faction_id"] = character.faction_id
        fit = dice.choice(dice.choice(fits.COMBAT))
        ship, weapon = fit.hull, fit.weapon
        luck = dice.random()
        # Some have lost their ship by then; of some ESI knows no weapon; of some the ship is the weapon.
        if luck > 0.03:
            attacker["ship_type_id"] = ship
        if luck < 0.94:
            attacker["weapon_type_id"] = weapon if luck < 0.86 else ship
        return attacker

    def npc(self) -> Attacker:
        """One of EVE's own."""
        dice = self.dice
        of_corporation = {"corporation_id": dice.choice(_NPC_CORPORATIONS)}
        of_faction = {"faction_id": dice.choice(_NPC_FACTIONS)}
        return {
            **(of_corporation if dice.random() < 0.5 else of_faction),
            "damage_done": 0,
            "final_blow": False,
            "security_status": 0.0,
            "ship_type_id": dice.choice(fitting.SHUTTLE_SIZED_NPCS),
        }
