"""Everything of a killmail, selected once: for exports, and for graphql-core where it must complete a killmail."""

from __future__ import annotations

from api.compiled.selection import selected

_FRAGMENTS = """
fragment Character on Character { id name birthday securityStatus }
fragment Organization on Corporation { id name ticker }
fragment Faction on Faction { id name }
fragment Type on Type { id name group { id name category { id name } } }
fragment SolarSystem on SolarSystem {
    id name securityStatus security securityClass wormholeClass constellation { id name } region { id name }
}
fragment Attacker on Attacker {
    character { ...Character } corporation { ...Organization } alliance { ...Organization } faction { ...Faction }
    ship { ...Type } weapon { ...Type } damageDone damageShare finalBlow securityStatus
}
fragment Item on Item {
    type { ...Type } flag slot quantityDestroyed quantityDropped singleton %(prices)s items { ...Item }
}
"""
_WITHOUT_PRICES = _FRAGMENTS % {"prices": ""}
_WITH_PRICES = _FRAGMENTS % {"prices": "price value priceDate priceNote"}
_KILLMAIL = """
    id time solarSystem { ...SolarSystem }
    victim {
        character { ...Character } corporation { ...Organization } alliance { ...Organization } faction { ...Faction }
        ship { ...Type } damageTaken position { x y z }
    }
    attackers { ...Attacker } finalBlow { ...Attacker } attackerCount topDamage { ...Attacker } items { ...Item }
    value { %(ship)s destroyed dropped fitted total priceDate priceSource pricedKinds itemKinds }
    solo npc awox relatedKillmail { id time ship { ...Type } }
"""
_WHOLE = f"""
fragment Killmail on Killmail {{
    {_KILLMAIL % {"ship": "ship shipPriceDate shipPriceNote"}}
    attackerGroups {{
        ships {{ ship {{ ...Type }} attackers damageDone }}
        corporations {{ corporation {{ ...Organization }} attackers damageDone }}
        alliances {{ alliance {{ ...Organization }} attackers damageDone }}
    }}
    nearestCelestial {{ id name distance }} slots {{ high mid low rig subsystem service }} eft liveCursor
}}
"""
EXPORTED = selected(f"query {{ {_KILLMAIL % {'ship': ''}} side cursor }} {_WITHOUT_PRICES}")
"""A killmail in an export, with what `api.compiled.killmails.BESIDE` adds; without the prices of its items."""
WHOLE_KILLMAIL = selected(f"query {{ ...Killmail }} {_WHOLE} {_WITH_PRICES}")
"""All that a table has of a `Killmail`."""
WHOLE_CONNECTION = selected(
    "query { nodes { ...Killmail } edges { cursor node { ...Killmail } } pageInfo { hasNextPage endCursor }"
    f" totalCount totalCountIsExact }} {_WHOLE} {_WITH_PRICES}"
)
"""All that a table has of a `KillmailConnection`."""
