"""The stated rules of values and flags: which hulls are free, which losses are no feat, what counts as fitted.

Published in docs/classification.md. Type ids are EVE's, with the names of its static data. What has no honest price is
in `db.values.unpriced`.
"""

from __future__ import annotations

from eve.slots import slot_name

CAPSULES = (
    670,  # Capsule
    33328,  # Capsule - Genolution 'Auroral' 197-variant
)
FREE_CORVETTES = (
    588,  # Reaper
    596,  # Impairor
    601,  # Ibis
    606,  # Velator
)
"""Given to every pilot for nothing at any station."""
RARE_CORVETTES = (
    615,  # Immolator
    617,  # Echo
    33079,  # Hematos
    33081,  # Taipan
    33083,  # Violator
)
"""Of the same group, but handed out once: these are worth what they are sold for."""
SHUTTLES = (
    672,  # Caldari Shuttle
    11129,  # Gallente Shuttle
    11132,  # Minmatar Shuttle
    11134,  # Amarr Shuttle
    21097,  # Goru's Shuttle
    21628,  # Guristas Shuttle
    27299,  # Civilian Amarr Shuttle
    27301,  # Civilian Caldari Shuttle
    27303,  # Civilian Gallente Shuttle
    27305,  # Civilian Minmatar Shuttle
    29266,  # Apotheosis
    30842,  # InterBus Shuttle
    33513,  # Leopard
    34496,  # Council Diplomatic Shuttle
    64034,  # Boobook
)
DEPLOYABLES = (
    12198,  # Mobile Small Warp Disruptor I
    12199,  # Mobile Medium Warp Disruptor I
    12200,  # Mobile Large Warp Disruptor I
    26888,  # Mobile Large Warp Disruptor II
    26890,  # Mobile Medium Warp Disruptor II
    26892,  # Mobile Small Warp Disruptor II
    33474,  # Mobile Depot
    33475,  # Mobile Tractor Unit
    33476,  # Mobile Cynosural Inhibitor
    33520,  # 'Wetu' Mobile Depot
    33522,  # 'Yurt' Mobile Depot
    33700,  # 'Packrat' Mobile Tractor Unit
    33702,  # 'Magpie' Mobile Tractor Unit
)
"""What a pilot leaves in space; unlike a structure it is lost in its owner's name."""
FREE_HULLS = (*CAPSULES, *FREE_CORVETTES)
"""Worth 0 ISK, and counted as priced: EVE replaces them for nothing, whatever its list says."""
NO_SOLO_HULLS = (*CAPSULES, *FREE_CORVETTES, *RARE_CORVETTES, *SHUTTLES, *DEPLOYABLES)
"""Shooting one of these alone is no solo kill."""
FITTED_SLOTS = frozenset({"HIGH", "MID", "LOW", "RIG", "SUBSYSTEM", "SERVICE", "IMPLANT"})
FITTED_FLAGS = (0, *(flag for flag in range(256) if slot_name(flag) in FITTED_SLOTS))
"""What is in a slot, with the charges loaded into it; drones, fighters and holds are not fitted.

Until 2012 EVE told only cargo (5) and drone bay (87) apart: what was in any slot has the flag 0."""
BLUEPRINT_COPY = 2
"""`singleton` of a blueprint copy."""
MEDIAN_DAYS = 90
"""The days by which The Forge's price of the last of them is judged."""
LAST_TRADED_DAYS = 30
"""So old may a price of The Forge be: a killmail's own day, and as many before it as make this number."""
CAP = 4
"""Times the median of `MEDIAN_DAYS`: what was paid beyond it on a day is no price, but an accident or a trick."""
MEDIAN_TRADES = 5
"""Days on which a type must have been traded, of `MEDIAN_DAYS`, to have a median to speak of."""
