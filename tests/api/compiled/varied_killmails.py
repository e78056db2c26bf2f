"""Killmails that differ in everything an answer may show or lack, and the selection of everything."""

from __future__ import annotations

from collections.abc import Iterator

from tests.db.bodies import Body, body

ME, FRIEND, OTHER = 90_000_010, 90_000_011, 90_000_020
EVERYTHING = """
fragment Who on Character { id name birthday securityStatus }
fragment What on Type { id name group { id name category { id name } } }
fragment Kill on Killmail {
  __typename id time attackerCount solo npc awox
  solarSystem {
    id name securityStatus security securityClass wormholeClass constellation { id name } region { id name }
  }
  victim {
    character { ...Who } corporation { id name ticker } alliance { id name ticker } faction { id name }
    ship { ...What } damageTaken position { x y z }
  }
  attackers { ...Shot } finalBlow { ...Shot } topDamage { ...Shot }
  attackerGroups {
    ships { ship { ...What } attackers damageDone } corporations { corporation { id ticker } attackers }
    alliances { alliance { name } damageDone }
  }
  items { ...Thing items { ...Thing items { ...Thing } } }
  value { destroyed dropped fitted total ship shipPriceDate shipPriceNote priceDate priceSource pricedKinds itemKinds }
  relatedKillmail { id time ship { ...What } } nearestCelestial { __typename id name distance }
  slots { __typename high mid low rig subsystem service }
}
fragment Shot on Attacker {
  character { ...Who } corporation { id name ticker } alliance { id name ticker } faction { id name }
  ship { ...What } weapon { ...What } damageDone damageShare finalBlow securityStatus
}
fragment Thing on Item {
  type { ...What } flag slot quantityDestroyed quantityDropped singleton price value priceDate priceNote
}
"""
FEED = (
    EVERYTHING
    + "{ killmails { nodes { ...Kill } edges { cursor node { ...Kill } } pageInfo { hasNextPage endCursor }"
    + " totalCount totalCountIsExact } }"
)


def variety() -> Iterator[Body]:
    """Killmails that differ in everything an answer may show or lack."""
    plain = body(1, victim=ME)
    plain["victim"] |= {"ship_type_id": 670, "position": {"x": 1, "y": -2.5e11, "z": 0.1}, "alliance_id": 99_000_001}
    yield plain
    before = body(2, victim=ME, minute=0, attackers=(OTHER, FRIEND, OTHER))
    before["attackers"][0] |= {"damage_done": 0, "alliance_id": 99_000_001, "faction_id": 500_001}
    before["attackers"][1] |= {"damage_done": 700}
    before["victim"]["items"] = [
        {"item_type_id": 34, "flag": 5, "singleton": 0, "quantity_dropped": 3_000_000_000},
        {
            "item_type_id": 587,
            "flag": 27,
            "singleton": 1,
            "quantity_destroyed": 1,
            "items": [{"item_type_id": 34, "flag": 0, "singleton": 2, "quantity_dropped": 1}],
        },
    ]
    yield before
    nobody = body(3, victim=None, attackers=(ME,))
    del nobody["attackers"][0]["ship_type_id"]
    yield nobody
    by_npc = body(4, victim=FRIEND)
    by_npc["attackers"] = [
        {"faction_id": 500_001, "damage_done": 0, "final_blow": False, "security_status": 0.0},
        {"corporation_id": 1_000_125, "damage_done": 0, "final_blow": True, "security_status": 5},
    ]
    yield by_npc
    yield body(5, victim=OTHER, attackers=(*range(OTHER, OTHER + 40), ME))
