"""How many slots the hulls have, as dogma attributes of the static data export.

Of most as many as their fit has (`fits`), of some more: those numbers are facts of the export that CCP publishes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.eve.fits import ALL, Fit
from sandbox.eve.fitting import SUBSYSTEMS

_HIGH, _MID, _LOW, _RIGS, _SUBSYSTEMS, _SERVICES = 14, 13, 12, 1137, 1367, 2056
_ADDED = {_HIGH: 1374, _MID: 1375, _LOW: 1376}
"""By what a hull has, what a subsystem adds to it."""
_LARGER = {
    587: (3, 3, 4),  # Rifter
    4310: (8, 5, 4),  # Tornado
    11198: (3, 4, 3),  # Stiletto
    11400: (4, 5, 3),  # Jaguar
    11961: (5, 6, 4),  # Huginn
    11995: (6, 6, 4),  # Onyx
    12015: (5, 4, 6),  # Muninn
    12034: (5, 3, 3),  # Hound
    12044: (5, 3, 4),  # Enyo
    17478: (2, 2, 3),  # Retriever
}
_STRUCTURES = {35832: (3, 4, 3, 3, 3), 35833: (5, 5, 4, 3, 5)}
"""Astrahus and Fortizar: the last are slots for service modules."""


def dogma() -> list[dict[str, Any]]:
    """The entries of `typeDogma`."""
    return [
        {"_key": type_id, "dogmaAttributes": [{"attributeID": key, "value": float(value)} for key, value in told]}
        for type_id, told in (*_hulls(), *_of_structures())
    ]


def _hulls() -> Iterator[tuple[int, list[tuple[int, int]]]]:
    for fit in ALL:
        high, mid, low = _LARGER.get(fit.hull, (len(fit.high), len(fit.medium), len(fit.low)))
        racks = {_HIGH: high, _MID: mid, _LOW: low}
        rigs = [(1, 2), (_RIGS, len(fit.rigs))]
        if fit.hull not in SUBSYSTEMS:
            yield fit.hull, [*racks.items(), *rigs]
            continue
        yield fit.hull, [*((rack, 0) for rack in racks), *rigs, (_SUBSYSTEMS, len(SUBSYSTEMS[fit.hull]))]
        yield from _subsystems(fit, racks)


def _subsystems(fit: Fit, racks: dict[int, int]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Each of a hull adds something to every rack, and all of them what it has."""
    subsystems = SUBSYSTEMS[fit.hull]
    for place, subsystem in enumerate(subsystems):
        yield (
            subsystem,
            [(_ADDED[rack], (many + place) // len(subsystems)) for rack, many in racks.items()],
        )


def _of_structures() -> Iterator[tuple[int, list[tuple[int, int]]]]:
    for structure, counts in _STRUCTURES.items():
        yield structure, [*zip((_HIGH, _MID, _LOW, _RIGS, _SERVICES), counts, strict=True)]
