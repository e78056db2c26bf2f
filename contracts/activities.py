"""Every activity a workflow may ask for: its contract, where it runs, how long it may take, how often it is tried.

The one table of them. `workflows/calls.py` executes by it, `worker_main.py` serves each activity from its queue.
"""

from __future__ import annotations

from typing import Any

from contracts.activity_policy import MINUTE, THROUGH_AN_OUTAGE, UNTIL_CLOSED, ActivityPolicy
from contracts.archive import ChooseHistoryDays, DayReport, HistoryDays, ReadArchiveDay
from contracts.corporations import DiscoverCorporation, FinishCorporationRun, RecordCorporationState
from contracts.imports import (
    BegunImport,
    CountedPage,
    CountPage,
    FinishImport,
    ImportAccount,
    ImportedPage,
    ImportPage,
    NoteImport,
)
from contracts.live_killmails import FollowStream, StreamReport
from contracts.static_data import StaticDataLook
from contracts.sync import (
    AccessTokenReady,
    DiscoverKillmails,
    Discovery,
    EnsureAccessToken,
    FetchedKillmails,
    FetchKillmails,
    FinishRun,
    NamedEntities,
    NameEntities,
    RecordSyncState,
    RunAccount,
)
from contracts.task_queues import BACKFILL_QUEUE, DETAILS_QUEUE, ENRICHMENT_QUEUE, KILLMAILS_QUEUE
from contracts.universe import Described, RefreshedNames, RefreshNames
from contracts.upkeep import (
    FullSyncsAsked,
    Housekept,
    LeavingCharacter,
    RestoredSyncs,
    RestoreSyncs,
    SumsBuilt,
    WatchdogReport,
)
from contracts.values import AppraisedKillmails, AppraiseKillmails, MarketRead, PricesTaken
from contracts.webhooks import Delivered, DeliverWebhook

NOTHING = type(None)

# A look of a pilot or a corporation.
ENSURE_ACCESS_TOKEN = ActivityPolicy(
    "ensure_access_token", EnsureAccessToken, AccessTokenReady, "refresh access token if needed"
)
DISCOVER_KILLMAILS = ActivityPolicy(
    "discover_killmails",
    DiscoverKillmails,
    Discovery,
    lambda request: "read the whole killmail list" if request.full else "read the killmail list if it changed",
    start_to_close=3 * MINUTE,
)
DISCOVER_CORPORATION_KILLMAILS = ActivityPolicy(
    "discover_corporation_killmails",
    DiscoverCorporation,
    Discovery,
    lambda request: "read the whole corporation list" if request.full else "read the corporation list if it changed",
    start_to_close=5 * MINUTE,  # as many directors as need be
)
FETCH_KILLMAILS = ActivityPolicy(
    "fetch_killmails",
    FetchKillmails,
    FetchedKillmails,
    lambda request: f"fetch {len(request.killmail_ids)} killmails",
    queue=KILLMAILS_QUEUE,
    start_to_close=3 * MINUTE,
    schedule_to_close=30 * MINUTE,
)
NAME_ENTITIES = ActivityPolicy(
    "name_entities",
    NameEntities,
    NamedEntities,
    lambda request: f"look up names in {len(request.killmail_ids)} killmails",
    queue=ENRICHMENT_QUEUE,
    start_to_close=2 * MINUTE,
)
DESCRIBE_SOLAR_SYSTEMS = ActivityPolicy(
    "describe_solar_systems",
    NameEntities,
    NamedEntities,
    lambda request: f"look up solar systems of {len(request.killmail_ids)} killmails",
    queue=ENRICHMENT_QUEUE,
    start_to_close=2 * MINUTE,
)
FINISH_RUN = ActivityPolicy("finish_run", FinishRun, RunAccount, "record the run")
FINISH_CORPORATION_RUN = ActivityPolicy("finish_corporation_run", FinishCorporationRun, RunAccount, "record the run")
RECORD_SYNC_STATE = ActivityPolicy(
    "record_sync_state", RecordSyncState, NOTHING, lambda request: f"record state: {request.state}"
)
RECORD_CORPORATION_STATE = ActivityPolicy(
    "record_corporation_state", RecordCorporationState, NOTHING, lambda request: f"record state: {request.state}"
)

# An import from zKillboard.
BEGIN_IMPORT = ActivityPolicy(
    "begin_zkillboard_import", int, BegunImport, "reset the import", schedule_to_close=None, retries=THROUGH_AN_OUTAGE
)
COUNT_PAGE = ActivityPolicy(
    "count_zkillboard_page",
    CountPage,
    CountedPage,
    lambda request: f"count killmails on page {request.page}",
    queue=BACKFILL_QUEUE,
    start_to_close=1.5 * MINUTE,
    schedule_to_close=5 * MINUTE,
    retries=UNTIL_CLOSED,
)
IMPORT_PAGE = ActivityPolicy(
    "import_zkillboard_page",
    ImportPage,
    ImportedPage,
    lambda request: f"import page {request.position}",
    queue=BACKFILL_QUEUE,
    start_to_close=3 * MINUTE,
    schedule_to_close=10 * MINUTE,
    retries=UNTIL_CLOSED,
)
NOTE_IMPORT = ActivityPolicy(
    "note_zkillboard_import",
    NoteImport,
    NOTHING,
    lambda request: f"record state: {request.state}",
    schedule_to_close=None,
    retries=THROUGH_AN_OUTAGE,
)
FINISH_IMPORT = ActivityPolicy(
    "finish_zkillboard_import",
    FinishImport,
    ImportAccount,
    "record the import",
    start_to_close=1.5 * MINUTE,
    schedule_to_close=None,
    retries=THROUGH_AN_OUTAGE,
)

# A day of the public archive.
READ_ARCHIVE_DAY = ActivityPolicy(
    "read_archive_day",
    ReadArchiveDay,
    DayReport,
    lambda request: f"read {request.day} of the archive",
    queue=BACKFILL_QUEUE,
    start_to_close=5 * MINUTE,
    schedule_to_close=60 * MINUTE,
)

READ_MARKET_MONTH = ActivityPolicy(
    "read_market_month",
    NOTHING,
    MarketRead,
    "read days of the market that are wanted",
    queue=BACKFILL_QUEUE,
    start_to_close=10 * MINUTE,
    schedule_to_close=60 * MINUTE,
)
LOOK_FOR_STATIC_DATA = ActivityPolicy(
    "look_for_static_data",
    NOTHING,
    StaticDataLook,
    "load the static data if there is a newer build",
    queue=BACKFILL_QUEUE,
    start_to_close=10 * MINUTE,
    schedule_to_close=60 * MINUTE,
)
CHOOSE_HISTORY_DAYS = ActivityPolicy(
    "choose_history_days",
    ChooseHistoryDays,
    HistoryDays,
    "choose days that were not read yet",
    queue=BACKFILL_QUEUE,
    schedule_to_close=None,
    retries=THROUGH_AN_OUTAGE,
)

# zKillboard's stream of new killmails.
FOLLOW_KILLMAIL_STREAM = ActivityPolicy(
    "follow_killmail_stream",
    FollowStream,
    StreamReport,
    "follow zKillboard's stream for a while",
    queue=BACKFILL_QUEUE,
    start_to_close=5 * MINUTE,
    schedule_to_close=30 * MINUTE,
)

# What is told to others.
DELIVER_WEBHOOK = ActivityPolicy(
    "deliver_webhook",
    DeliverWebhook,
    Delivered,
    "send what waits",
    queue=ENRICHMENT_QUEUE,
    start_to_close=5 * MINUTE,
    schedule_to_close=15 * MINUTE,
)


# Details and names: nice to know, so in a queue of their own.
def _details(name: str, summary: str) -> ActivityPolicy[None, Described]:
    return ActivityPolicy(
        name, NOTHING, Described, summary, DETAILS_QUEUE, start_to_close=5 * MINUTE, schedule_to_close=30 * MINUTE
    )


DETAILS = (
    _details("describe_characters", "look up characters"),
    _details("describe_corporations", "look up corporations"),
    _details("describe_alliances", "look up alliances"),
    _details("describe_types", "look up types and their groups"),
    _details("describe_places", "look up constellations and regions"),
)
"""Asked for by `Enrichment`, each kind on its own way through what is wanted of it."""
NAME_MISSED = _details("name_missed_killmails", "name killmails that nobody could name")
"""Another of its kinds."""
REFRESH_NAMES = ActivityPolicy(
    "refresh_names",
    RefreshNames,
    RefreshedNames,
    lambda request: f"look up aged names above id {request.after_id}",
    queue=DETAILS_QUEUE,
    start_to_close=5 * MINUTE,
    schedule_to_close=30 * MINUTE,
)

# Prices and values.
TAKE_PRICE_SNAPSHOT = ActivityPolicy(
    "take_price_snapshot",
    NOTHING,
    PricesTaken,
    "store today's market prices",
    queue=ENRICHMENT_QUEUE,
    start_to_close=3 * MINUTE,
)
APPRAISE_KILLMAILS = ActivityPolicy(
    "appraise_killmails",
    AppraiseKillmails,
    AppraisedKillmails,
    lambda request: f"appraise killmails above id {request.after_killmail_id}",
    queue=ENRICHMENT_QUEUE,
    start_to_close=5 * MINUTE,
    schedule_to_close=None,
    retries=THROUGH_AN_OUTAGE,
)

# What looks after the rest.
WATCH_USERS = ActivityPolicy(
    "watch_users",
    NOTHING,
    WatchdogReport,
    "compare users with their workflows",
    start_to_close=4 * MINUTE,
    schedule_to_close=5 * MINUTE,
)
RESTORE_SYNCS = ActivityPolicy(
    "restore_syncs",
    RestoreSyncs,
    RestoredSyncs,
    lambda request: (
        f"start the missing {'corporations' if request.corporations else 'pilots'} above id {request.after_id}"
    ),
    start_to_close=4 * MINUTE,
)
ASK_FOR_FULL_SYNCS = ActivityPolicy(
    "ask_for_full_syncs",
    NOTHING,
    FullSyncsAsked,
    "request the daily full syncs",
    start_to_close=10 * MINUTE,
    schedule_to_close=45 * MINUTE,
)
DELETE_OLD_ROWS = ActivityPolicy(
    "delete_what_is_old",
    NOTHING,
    Housekept,
    "delete old rows",
    start_to_close=2 * MINUTE,
    schedule_to_close=30 * MINUTE,
)
BUILD_SUMS = ActivityPolicy(
    "build_sums", NOTHING, SumsBuilt, "build sums", start_to_close=2 * MINUTE, schedule_to_close=15 * MINUTE
)
FINISH_DEPARTURE = ActivityPolicy(
    "finish_departure", LeavingCharacter, NOTHING, "end the sync and revoke the grant", start_to_close=MINUTE
)

POLICIES: dict[str, ActivityPolicy[Any, Any]] = {
    policy.name: policy for policy in (*DETAILS, *vars().values()) if isinstance(policy, ActivityPolicy)
}
"""All of the above, by the activity's name."""
