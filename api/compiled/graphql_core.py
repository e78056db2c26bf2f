"""What graphql-core completes and what it does not, written down; and the count of what it completes nevertheless."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter

from api.compiled.connection import CONNECTION, EDGE
from api.compiled.items import ITEM
from api.compiled.killmails import ATTACKER, KILLMAIL, RELATED, VALUE, VICTIM
from api.compiled.needs import Table

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
    [
        "PageInfo",
        "Position",
        "NearestCelestial",
        "Slots",
        "AttackerGroups",
        "AttackersByShip",
        "AttackersByCorporation",
        "AttackersByAlliance",
        "ActiveHour",
        "DayOfKillmails",
    ]
)
"""The others of that kind, and the days of statistics, of which a long history has thousands: `api.compiled.nodes`
writes them."""
_LEFT = {
    "the roots: resolvers and their arguments": "Query Mutation Subscription",
    "introspection": "__Schema __Type __Field __InputValue __EnumValue __Directive",
    "of one account": (
        "Me AccountCharacter CharacterSync SyncStatus SyncRun Progress FailureCount Session ApiKey ShareLink"
        " FollowedCorporation CorporationDirector ZkillboardImport ZkillboardEstimate ZkillboardImportAccount"
        " ArchiveHistory Feed Webhook WebhookDelivery Digest KillmailAccount KillmailSourceCount MissingKillmails"
    ),
    "the outcome of a mutation": (
        "CreatedApiKey ApiKeyChange VisibilityChange CreatedShareLink ShareLinkChange SessionChange DataExport"
        " AccountChange CorporationChange ZkillboardImportChange AddedKillmail SyncRequest UserError MovedBattle"
        " ArchiveHistoryChange CreatedFeed FeedChange CreatedWebhook WebhookChange"
    ),
    "one per request, or a short list": (
        "CharacterProfile CorporationProfile AllianceProfile SolarSystemProfile TypeProfile SearchHit"
    ),
    "counted by Postgres; rankings of a hundred at most": ("Statistics RankedShip RankedSystem RankedCharacter"),
    "battles: working one out costs more than telling it": (
        "Battle BattleConnection BattleEdge BattleSide BattleParty BattlePilot BattleLoss LostGroup"
    ),
    "claims of ship replacement; no killmail is in them": (
        "ReimbursementPage ReimbursementTotal Reimbursement ReimbursementChange ReimbursementOutcome"
    ),
    "how the installation is": "SyncHealth SyncHealthDetails LatePilot EsiBudget EsiBucket WorkerStatus",
    "below a killmail written once and kept (`api.compiled.entities`); elsewhere a few per answer": (
        "Character Corporation Alliance Faction Type TypeGroup TypeCategory SolarSystem Constellation Region"
    ),
}
LEFT_TO_GRAPHQL_CORE: Mapping[str, str] = {name: reason for reason, names in _LEFT.items() for name in names.split()}
"""Types whose objects graphql-core completes, and why that is good enough.

A field that leads to killmails and cannot be planned would be here as `Type.field`. None is, and the tests find one
that should be.
"""
FALLBACKS = Counter(
    "killreport_graphql_fallback_fields",
    "Fields with killmails that graphql-core completed, since this process began.",
    ["field"],
)
"""A field is `Type.field` of what led to the killmails. Every one is slow: the log says what could not be planned."""


def note_completed(parent_type: str, field: str, type_: str) -> None:
    """graphql-core completes an object: count it if killmails are in it, and what is above it is no such object."""
    if type_ in PLANNED and parent_type not in PLANNED:
        FALLBACKS.labels(f"{parent_type}.{field}").inc()
