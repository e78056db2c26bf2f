"""Where the sandbox's pilots fight: solar systems of every kind of space, and the powers of New Eden.

Ids, names and security are facts of the static data export that CCP publishes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SolarSystem:
    """`security_status` is the true one, not rounded for display."""

    solar_system_id: int
    name: str
    security_status: float
    constellation_id: int


@dataclass(frozen=True, slots=True)
class Constellation:
    constellation_id: int
    name: str
    region_id: int


# system id, name, security, constellation id, constellation, region id, region
_SYSTEMS = """
30000142|Jita|0.945913|20000020|Kimotoro|10000002|The Forge
30000180|Osmon|0.680264|20000026|Aulari|10000002|The Forge
30002641|Aufay|0.52312|20000386|Disier|10000032|Sinq Laison
30003073|Netsalakka|0.483956|20000449|Vaarma|10000038|The Bleak Lands
30003068|Kourmonen|0.36348|20000448|Sasen|10000038|The Bleak Lands
30002813|Tama|0.282556|20000412|Isoma|10000033|The Citadel
30005068|Oguser|0.217083|20000741|Ravin|10000065|Kor-Azor
30002095|Eszur|0.212796|20000308|Essin|10000042|Metropolis
30005196|Ahbazon|0.42052|20000760|Nazdirer|10000067|Genesis
30001441|Tartoken|0.119319|20000211|Umamon|10000016|Lonetrek
30000982|O-8SOC|-0.104857|20000143|L-TEVM|10000011|Great Wildlands
30003978|P-ZMZV|-0.140643|20000581|8BO-IH|10000050|Querious
30001161|HED-GP|-0.146322|20000169|UX3-N2|10000014|Catch
30004759|1DQ1-A|-0.385782|20000696|O-EIMK|10000060|Delve
30003504|Niarja|-1.0|20000788|Krai Svarog|10000070|Pochven
31000383|J211036|-0.99|21000023|B-C00023|11000004|B-R00004
31001967|J164430|-0.99|21000242|E-C00242|11000024|E-R00024
31002284|J135554|-0.99|21000286|E-C00286|11000029|E-R00029
"""

FACTIONS = {
    500001: "Caldari State",
    500002: "Minmatar Republic",
    500003: "Amarr Empire",
    500004: "Gallente Federation",
    500005: "Jove Empire",
    500006: "CONCORD Assembly",
    500007: "Ammatar Mandate",
    500008: "Khanid Kingdom",
    500009: "The Syndicate",
    500010: "Guristas Pirates",
    500011: "Angel Cartel",
    500012: "Blood Raider Covenant",
    500013: "The InterBus",
    500014: "ORE",
    500015: "Thukker Tribe",
    500016: "Servant Sisters of EVE",
    500017: "The Society of Conscious Thought",
    500018: "Mordu's Legion Command",
    500019: "Sansha's Nation",
    500020: "Serpentis",
    500021: "Unknown",
    500024: "Drifters",
    500026: "Triglavian Collective",
    500027: "EDENCOM",
}

NPC_CORPORATIONS = {
    1000001: "Doomheim",
    1000006: "Deep Core Mining Inc.",
    1000035: "Caldari Navy",
    1000044: "School of Applied Knowledge",
    1000045: "Science and Trade Institute",
    1000125: "CONCORD",
    1000127: "Guristas",
    1000133: "Salvation Angels",
    1000134: "Blood Raiders",
    1000135: "Serpentis Corporation",
    1000161: "True Creations",
    1000162: "True Power",
    1000165: "Hedion University",
    1000166: "Imperial Academy",
    1000167: "State War Academy",
    1000168: "Federal Navy Academy",
    1000169: "Center for Advanced Studies",
    1000170: "Republic Military School",
    1000171: "Republic University",
    1000172: "Pator Tech School",
}


def solar_systems() -> dict[int, SolarSystem]:
    """By solar system id."""
    return {int(row[0]): SolarSystem(int(row[0]), row[1], float(row[2]), int(row[3])) for row in _rows()}


def constellations() -> dict[int, Constellation]:
    """By constellation id."""
    return {int(row[3]): Constellation(int(row[3]), row[4], int(row[5])) for row in _rows()}


def regions() -> dict[int, str]:
    """Names by region id."""
    return {int(row[5]): row[6] for row in _rows()}


def _rows() -> list[list[str]]:
    return [line.split("|") for line in _SYSTEMS.strip().splitlines()]
