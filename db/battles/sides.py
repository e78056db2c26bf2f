"""Who fought on whose side, from who shot whom.

Parties (alliance, else corporation, else pilot) are the nodes of a graph: whoever attacks together on a killmail are
friends on it, attackers and victim are foes, once for each pilot who attacks. Parties that are clearly more friends
than foes come together, the closest first. The two that are each other's worst foes lead the sides; of the others,
whoever stands by a side or against the other one joins it, and whoever does both stays apart. All ties go to the
lowest ids: the same killmails always give the same sides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from db.battles.fought import Fought

CLEARLY = 4
"""So many times as much must speak for a side as against it: an accident among friends, or a third party's shot at
either side, decides nothing."""

Pair = tuple[int, int]


class _Graph:
    """How much two parties, or two groups of them, were friends and foes: in attacking pilots of the smaller one."""

    def __init__(self, killmails: Iterable[Fought]) -> None:
        self.members: dict[int, list[int]] = {}
        self.friends: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self.foes: defaultdict[int, Counter[int]] = defaultdict(Counter)
        for one in killmails:
            self._take(one)

    def _take(self, killmail: Fought) -> None:
        hunters = Counter(party for one in killmail.attackers if (party := one.party) is not None)
        victim = killmail.victim.party
        for party in (*hunters, victim):
            if party is not None:
                self.members.setdefault(party, [party])
        # All with the largest of them, not each with each: of a hundred parties that would be five thousand pairs.
        leader = min(hunters, key=lambda party: (-hunters[party], party), default=None)
        for party, pilots in hunters.items():
            if leader is not None and party != leader:
                self._add(self.friends, leader, party, pilots)
            if victim is not None and party != victim:
                self._add(self.foes, victim, party, pilots)

    @staticmethod
    def _add(kind: defaultdict[int, Counter[int]], one: int, other: int, count: int) -> None:
        kind[one][other] += count
        kind[other][one] += count

    def closest(self) -> Pair | None:
        """The two who are the most friends, and clearly so; None: nobody is."""
        pairs = (
            (self.foes[one][other] - count, one, other)
            for one, others in self.friends.items()
            for other, count in others.items()
            if one < other and count >= CLEARLY * self.foes[one][other]
        )
        best = min(pairs, default=None)
        return None if best is None else best[1:]

    def join(self, one: int, other: int) -> None:
        """Make `other` a part of `one`."""
        self.members[one] += self.members.pop(other)
        for kind in (self.friends, self.foes):
            for third, count in kind.pop(other, Counter[int]()).items():
                del kind[third][other]
                if third != one:
                    self._add(kind, one, third, count)

    def worst_foes(self) -> Pair | None:
        """The two who shot at each other the most; None: nobody shot at anybody."""
        pairs = (
            (-count, one, other)
            for one, others in self.foes.items()
            for other, count in others.items()
            if one < other and count
        )
        best = min(pairs, default=None)
        return None if best is None else best[1:]


def sides_of(killmails: Iterable[Fought]) -> dict[int, int]:
    """The side of each party: 0 and 1 for those who lead, more for those who stand apart."""
    graph = _Graph(killmails)
    while (pair := graph.closest()) is not None:
        graph.join(*pair)
    leaders = graph.worst_foes()
    if leaders is not None:
        while (joining := min(_joining(graph, leaders), default=None)) is not None:
            _, other, leader = joining
            graph.join(leader, other)
    heads = sorted(graph.members, key=lambda head: (head not in (leaders or ()), head))
    return {party: side for side, head in enumerate(heads) for party in graph.members[head]}


def _joining(graph: _Graph, leaders: Pair) -> Iterator[tuple[int, int, int]]:
    """Whoever clearly stands by one of the two or against the other: how clearly (less is more), who, and by whom."""
    for one in graph.members:
        if one in leaders:
            continue
        for leader, foe in (leaders, leaders[::-1]):
            speaks_for = graph.friends[one][leader] + graph.foes[one][foe]
            speaks_against = graph.friends[one][foe] + graph.foes[one][leader]
            if speaks_for and speaks_for >= CLEARLY * speaks_against:
                yield speaks_against - speaks_for, one, leader
