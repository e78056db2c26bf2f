"""Sides as somebody moved them by hand, who shares a battle: each party stands where it was put, whatever came later.

What is kept is the side of every party that was there at the time of the move, by the party's id. So a killmail that
arrives later, and turns the inference around, moves none of them. Whoever appears with it joins the side on which most
of those stand with whom they are inferred to be.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

Sides = Mapping[int, int]
"""The side of each party, from 0 on, without a gap."""
MOST_PARTIES = 5_000
"""Of a battle whose sides are moved by hand: some fifty kilobytes."""


def with_moved(inferred: Sides, moved: Sides) -> dict[int, int]:
    """The inferred sides, where nobody was moved by hand."""
    if not moved:
        return dict(inferred)
    standing: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for party, side in inferred.items():
        if party in moved:
            standing[side][moved[party]] += 1
    apart = max(moved.values()) + 1
    joined = {
        side: min(standing[side], key=lambda there: (-standing[side][there], there))
        if standing[side]
        else apart + side
        for side in set(inferred.values())
    }  # fmt: skip
    return _without_gaps({party: moved.get(party, joined[side]) for party, side in inferred.items()})


def move(shown: Sides, party: int, side: int) -> dict[int, int] | None:
    """What is kept after this party was put on that side; the number after the last is a side of its own.

    None: there is no such party, or no such side, or there are more than `MOST_PARTIES`.
    """
    if party not in shown or not 0 <= side <= max(shown.values()) + 1 or len(shown) > MOST_PARTIES:
        return None
    return _without_gaps({**shown, party: side})


def _without_gaps(sides: Sides) -> dict[int, int]:
    numbers = {side: number for number, side in enumerate(sorted(set(sides.values())))}
    return {party: numbers[side] for party, side in sides.items()}
