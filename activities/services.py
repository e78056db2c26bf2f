"""What the activities of a process share, and all of them made with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
from temporalio.client import Client

from activities.access_tokens import AccessTokens
from activities.aged_names import AgedNames
from activities.archive import ArchiveDays
from activities.bodies import KillmailBodies
from activities.corporations import Corporations
from activities.departures import Departures
from activities.details import Details, DetailsAtOnce
from activities.discovery import KillmailDiscovery
from activities.enrichment import Enrichment
from activities.imports import Imports
from activities.live_killmails import LiveKillmails
from activities.market import MarketDays
from activities.restore import Restore
from activities.runs import Runs
from activities.static_data import StaticDataFollower
from activities.upkeep import Upkeep
from activities.values import Values
from activities.watch import Watch
from activities.webhook_target import WebhookTargets
from activities.webhooks import WebhookBell, Webhooks
from db.accounts.vault import TokenVault
from db.intake.public import PublicIntake
from db.intake.receive import Bringer
from db.intake.references import HashFrom
from eve.archive.client import KillmailArchive, MarketArchive
from eve.esi.client import Esi
from eve.sso.client import Sso
from eve.static_builds import StaticBuilds
from eve.zkillboard.client import Zkillboard
from eve.zkillboard.stream import KillmailStream
from live import LiveEvents
from settings import Settings
from temporal.universe import name_new_killmails, name_old_killmails, wake_enrichment

NAMED_AFTER = timedelta(seconds=5)
"""What an archive or the stream brings is named so long after it was to be stored."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the activities of one process share, opened once."""

    pool: asyncpg.Pool
    client: Client
    esi: Esi
    sso: Sso
    vault: TokenVault
    live: LiveEvents
    zkillboard: Zkillboard
    archive: KillmailArchive
    stream: KillmailStream
    market: MarketArchive
    static_builds: StaticBuilds
    tokens: AccessTokens
    targets: WebhookTargets


def activities_of(services: Services, settings: Settings) -> list[Callable[..., Any]]:
    """Every activity there is; `contracts/activities.py` says which queue each is served from."""
    pool, client, esi, live = services.pool, services.client, services.esi, services.live
    sso, vault, tokens = services.sso, services.vault, services.tokens
    wake = partial(wake_enrichment, client)
    discovery = KillmailDiscovery(pool, esi, tokens, vault, live, idle_pilots=settings.idle_pilots)
    corporations = Corporations(pool, esi, tokens, vault, live)
    runs = Runs(pool, live)
    enrichment = Enrichment(pool, esi, live, wake)
    details = Details(pool, esi, DetailsAtOnce.from_settings(settings))
    bell = WebhookBell(pool, client)
    imports = Imports(pool, services.zkillboard, live, bell.ring)
    intake = PublicIntake(pool, live, partial(name_old_killmails, client, after=NAMED_AFTER), bell.ring)
    days = ArchiveDays(pool, services.archive, intake, everything=settings.public_board)
    streamed = replace(
        intake,
        name_killmails=partial(name_new_killmails, client, after=NAMED_AFTER),
        by=Bringer.STREAM,
        hash_from=HashFrom.ZKILLBOARD,
    )
    live_killmails = LiveKillmails(pool, services.stream, streamed, everything=settings.public_board)
    values = Values(pool, esi)
    upkeep = Upkeep(
        pool,
        client,
        runs_kept=timedelta(days=settings.runs_kept_days),
        login_events_kept=timedelta(days=settings.login_events_kept_days),
    )
    return [
        tokens.ensure_access_token,
        discovery.discover_killmails,
        corporations.discover_corporation_killmails,
        KillmailBodies(pool, esi, live, bell.ring).fetch_killmails,
        enrichment.name_entities,
        enrichment.describe_solar_systems,
        enrichment.name_missed_killmails,
        runs.finish_run,
        runs.record_sync_state,
        corporations.finish_corporation_run,
        corporations.record_corporation_state,
        imports.begin_zkillboard_import,
        imports.count_zkillboard_page,
        imports.import_zkillboard_page,
        imports.note_zkillboard_import,
        imports.finish_zkillboard_import,
        days.read_archive_day,
        days.choose_history_days,
        live_killmails.follow_killmail_stream,
        details.describe_characters,
        details.describe_corporations,
        details.describe_alliances,
        details.describe_types,
        details.describe_places,
        AgedNames(pool, esi, wake).refresh_names,
        values.take_price_snapshot,
        values.appraise_killmails,
        MarketDays(pool, services.market).read_market_month,
        StaticDataFollower(pool, services.static_builds).look_for_static_data,
        Watch(
            pool,
            client,
            settings.sync_interval_seconds,
            bell.ring_who_is_behind,
            wake,
            follows_stream=settings.zkillboard_live,
        ).watch_users,
        Restore(pool, client, settings.sync_interval_seconds).restore_syncs,
        upkeep.ask_for_full_syncs,
        upkeep.delete_what_is_old,
        upkeep.build_sums,
        Departures(pool, client, sso, vault).finish_departure,
        Webhooks(pool, vault, services.targets, settings).deliver_webhook,
    ]
