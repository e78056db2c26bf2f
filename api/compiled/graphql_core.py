"""What graphql-core completes and what it does not, written down; and the count of what it completes nevertheless."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter

from api.compiled.connection import CONNECTION, EDGE
from api.compiled.killmails import ATTACKER, ITEM, KILLMAIL, RELATED, VALUE, VICTIM, Table

PLANNED: Mapping[str, Table] = {
    "KillmailConnection": CONNECTION,
    "KillmailEdge": EDGE,
    "Killmail": KILLMAIL,
    "Victim": VICTIM,
    "Attacker": ATTACKER,
    "KillmailValue": VALUE,
    "RelatedKillmail": RELATED,
    "Item": ITEM,
}
"""The types that hang on killmails alone, each with the table of its fields."""
WRITTEN_AS_NODES = frozenset(
    {
        *("PageInfo", "Position", "AttackerGroups"),
        *("AttackersByShip", "AttackersByCorporation", "AttackersByAlliance"),
    }
)
"""The others of that kind: `api.compiled.nodes` writes them."""
_RARE = "asked for once in a while, a row or two"
_CHANGE = "the outcome of a mutation"
_ACCOUNT = "of one account"
_NAMES = "below a killmail written once and kept (`api.compiled.entities`); elsewhere a few per answer"
_STATISTICS = "counted by Postgres; rankings of a hundred at most"
_OPERATOR = "how the installation is"
LEFT_TO_GRAPHQL_CORE: Mapping[str, str] = {
    **dict.fromkeys(("Query", "Mutation", "Subscription"), "the roots: resolvers and their arguments"),
    **dict.fromkeys(
        (*("__Schema", "__Type", "__Field", "__InputValue", "__EnumValue", "__Directive"),),
        "introspection",
    ),
    **dict.fromkeys(("Me", "AccountCharacter", "CharacterSync", "SyncStatus", "SyncRun", "Progress"), _ACCOUNT),
    **dict.fromkeys(("Session", "ApiKey", "FollowedCorporation", "CorporationDirector", "FailureCount"), _ACCOUNT),
    **dict.fromkeys(("ZkillboardImport", "ZkillboardEstimate", "ZkillboardImportAccount"), _ACCOUNT),
    **dict.fromkeys(("CreatedApiKey", "ApiKeyChange", "SessionChange", "DataExport", "AccountChange"), _CHANGE),
    **dict.fromkeys(("CorporationChange", "ZkillboardImportChange", "AddedKillmail", "SyncRequest"), _CHANGE),
    "UserError": _CHANGE,
    **dict.fromkeys(("CharacterProfile", "CorporationProfile", "AllianceProfile"), _RARE),
    **dict.fromkeys(("SolarSystemProfile", "TypeProfile", "SearchHit"), _RARE),
    **dict.fromkeys(("Statistics", "RankedShip", "RankedSystem", "RankedCharacter"), _STATISTICS),
    **dict.fromkeys(("ActiveHour", "DayOfKillmails"), _STATISTICS),
    **dict.fromkeys(("SyncHealth", "EsiBudget", "SyncHealthDetails", "LatePilot"), _OPERATOR),
    **dict.fromkeys(("EsiBucket", "WorkerStatus"), _OPERATOR),
    **dict.fromkeys(("Character", "Corporation", "Alliance", "Faction", "Type", "TypeGroup", "TypeCategory"), _NAMES),
    **dict.fromkeys(("SolarSystem", "Constellation", "Region"), _NAMES),
}
"""Types whose objects graphql-core completes, and why that is good enough.

A field that leads to killmails and cannot be planned would be here as `Type.field`; none is, and
`tests/api/compiled/test_graphql_core.py` finds one that is missing.
"""
FALLBACKS = Counter(
    "killreport_graphql_fallback_fields",
    "Fields with killmails that graphql-core completed, since this process began.",
    ["field"],
    registry=None,
)
"""A field is `Type.field` of what led to the killmails. Every one is slow: the log says what could not be planned."""


def note_completed(parent_type: str, field: str, type_: str) -> None:
    """graphql-core completes an object: count it if killmails are in it, and what is above it is no such object."""
    if type_ in PLANNED and parent_type not in PLANNED:
        FALLBACKS.labels(f"{parent_type}.{field}").inc()
