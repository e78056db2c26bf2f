"""Which killmails are of one battle.

Two killmails within `GAP` belong together if somebody of the same party is on both in the same solar system, or if
`TRAVELLERS` pilots are on both in different ones. A battle is all that hangs together so, if enough was lost. Where
the last killmail of a party or a pilot lies further back than `GAP`, nothing before it counts: so what is known of
the killmails within `GAP` of a battle's first and last tells all of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from db.battles.fought import Fought

GAP = 15 * 60.0
"""Seconds without a killmail after which it is another fight."""
TRAVELLERS = 2
"""Pilots on both killmails: one alone hunts, several are a fleet that moved on."""
FEWEST_SHIPS = 3
"""Losses beside capsules: fewer are a skirmish that its killmails tell well enough."""


@dataclass(frozen=True, slots=True)
class Group:
    """Killmails that belong together, in the order of time and id."""

    killmails: Sequence[Fought]

    @property
    def first(self) -> Fought:
        return self.killmails[0]

    @property
    def last(self) -> Fought:
        return self.killmails[-1]

    @property
    def is_battle(self) -> bool:
        """Enough was lost, and not to itself alone: at least two parties fought."""
        if sum(not one.is_capsule for one in self.killmails) < FEWEST_SHIPS:
            return False
        return len({party for one in self.killmails for party in (*one.hunters, one.victim.party)} - {None}) > 1


def groups(killmails: Iterable[Fought]) -> list[Group]:
    """All of these in groups. Those that only NPCs were hunting are left out: nobody fought."""
    hunted = sorted((one for one in killmails if one.hunters), key=lambda one: (one.time, one.killmail_id))
    parents = list(range(len(hunted)))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    last_of_party: dict[tuple[int, int], int] = {}
    # Of each pilot the killmails within `GAP`, by solar system.
    lately: defaultdict[int, defaultdict[int, deque[int]]] = defaultdict(lambda: defaultdict(deque))
    for number, one in enumerate(hunted):
        since, here = one.time - GAP, one.solar_system_id
        for party in {party for fighter in one.fighters if (party := fighter.party) is not None}:
            last = last_of_party.get((here, party))
            if last is not None and hunted[last].time >= since:
                parents[root(last)] = root(number)
            last_of_party[here, party] = number
        pilots = {pilot for fighter in one.fighters if (pilot := fighter.pilot) is not None}
        met: Counter[int] = Counter()
        for pilot in pilots:
            for place, earlier in lately[pilot].items():
                while earlier and hunted[earlier[0]].time < since:
                    earlier.popleft()
                # One pilot's killmails of a place hang together: if the last is of the same battle, they all are.
                if place != here and earlier and root(earlier[-1]) != root(number):
                    met.update(earlier)
            lately[pilot][here].append(number)
        for other, together in met.items():
            if together >= TRAVELLERS:
                parents[root(other)] = root(number)
    members: defaultdict[int, list[Fought]] = defaultdict(list)
    for number, one in enumerate(hunted):
        members[root(number)].append(one)
    return [Group(together) for together in members.values()]
