"""`killreport doctor`: check every setting and dependency, and say how to fix what fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy.exc import DBAPIError
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from contracts.upkeep import WATCHDOG_ID
from db.accounts.key_rotation import survey
from db.accounts.vault import TokenVault
from db.address import database_address
from db.connection import find_pooler
from db.migrate import DatabaseIsNewer, pending_revisions
from operations.connections import database, place, reason, redis_client, temporal_client, temporal_failures
from operations.doctor.eve import look_at_esi, look_at_sso
from operations.doctor.finding import Finding, Verdict
from operations.failure import OperationFailed
from operations.universe.sums import look_at_some_sums
from settings import Settings
from temporal.namespace import namespace_retention, told_retention
from temporal.schedules import paused_schedules
from temporal.task_queues import describe_task_queues

SEARCH_ATTRIBUTES = ("SyncState", "CharacterId", "CorporationId", "LastNewKillmailAt")
TOLERATED_SKEW_SECONDS = 5.0
"""A 20-minute token tolerates clocks that are this far apart."""
NO_RIGHT = "42501"
"""Postgres's insufficient_privilege."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Examination:
    """One check of doctor's, and what to do if its subject cannot be reached at all."""

    subject: str
    look: Callable[[Settings], Awaitable[list[Finding]]]
    mend: str


async def examine(settings: Settings) -> list[Finding]:
    """Check everything at the same time; one broken dependency does not hide another."""
    results = await asyncio.gather(*(_look(examination, settings) for examination in EXAMINATIONS))
    return list(_of_settings(settings)) + [finding for findings in results for finding in findings]


async def _look(examination: Examination, settings: Settings) -> list[Finding]:
    try:
        return await examination.look(settings)
    except OperationFailed as error:
        return [Finding(examination.subject, Verdict.FAILS, str(error), examination.mend)]


def _of_settings(settings: Settings) -> Iterator[Finding]:
    real_eve = urlsplit(settings.esi_base_url).hostname not in LOOPBACK
    if settings.contact:
        yield Finding("CONTACT", Verdict.GOOD, f"ESI sees the User-Agent {settings.user_agent}")
    else:
        yield Finding(
            "CONTACT",
            Verdict.FAILS if real_eve else Verdict.DOUBTFUL,
            "not set; ESI's operators could block this installation but not contact you",
            "Set CONTACT to your e-mail address or a URL of yours.",
        )
    callback, site = urlsplit(settings.callback_url), urlsplit(settings.site_url)
    if callback[:2] == site[:2]:
        yield Finding("EVE_CALLBACK_URL", Verdict.GOOD, settings.callback_url)
    else:
        yield Finding(
            "EVE_CALLBACK_URL",
            Verdict.FAILS,
            f"{settings.callback_url} is not on the site {settings.site_url}, so a login would lose its cookie",
            "Give PUBLIC_URL and EVE_CALLBACK_URL the same scheme, host and port, as registered with EVE.",
        )
    if site.scheme == "http" and site.hostname not in LOOPBACK:
        yield Finding(
            "PUBLIC_URL",
            Verdict.FAILS,
            f"{settings.site_url} is not encrypted, and session cookies travel over it",
            "Put a reverse proxy with TLS in front of the site and set PUBLIC_URL to its https:// address.",
        )


async def _postgres(settings: Settings) -> list[Finding]:
    async with database(settings) as pool:
        where = database_address(settings.database_url).place
        version = await pool.fetchval("SHOW server_version")
        findings = [Finding("Postgres", Verdict.GOOD, f"{version} at {where}"), *await _way(settings, pool)]
        try:
            pending = await pending_revisions(settings.database_url)
        except DatabaseIsNewer as error:
            return [*findings, Finding("Migrations", Verdict.FAILS, str(error), "Upgrade this installation.")]
        except DBAPIError as error:
            return [*findings, _refused(error)]
        if pending:
            detail = f"{len(pending)} revisions are not applied: {', '.join(pending)}"
            return [*findings, Finding("Migrations", Verdict.FAILS, detail, "Run `killreport migrate`.")]
        findings.append(Finding("Migrations", Verdict.GOOD, "all applied"))
        findings.append(skew("Clock against Postgres", await pool.fetchval("SELECT clock_timestamp()")))
        findings.append(await _keys(settings, pool))
        findings.append(await look_at_some_sums(pool))
    return findings


def _refused(error: DBAPIError) -> Finding:
    """Postgres does not say which revisions it has. Whoever it refuses that is refused the other tables, too."""
    detail = f"cannot be looked up: {reason(error.orig or error)}"
    if getattr(error.orig, "sqlstate", None) == NO_RIGHT:
        mend = "Set DATABASE_URL to the role that owns KillReport's tables, or give its role every right on them."
    else:
        mend = "Run `killreport doctor` again; if this stays, see Postgres' log."
    return Finding("Migrations", Verdict.FAILS, detail, mend)


async def _way(settings: Settings, pool: asyncpg.Pool[asyncpg.Record]) -> list[Finding]:
    """What is different for want of a connection of its own to the server."""
    findings = []
    address = database_address(settings.database_url)
    if address.ignored:
        detail = f"has parameters without effect here: {', '.join(address.ignored)}"
        findings.append(Finding("DATABASE_URL", Verdict.GOOD, detail))
    if await find_pooler(address, {}):
        detail = "in transaction mode; statements that take too long are ended by KillReport itself"
        if await pool.fetchval("SHOW idle_in_transaction_session_timeout") != "0":
            findings.append(Finding("Connection pooler", Verdict.GOOD, detail))
        else:
            detail += ", but a process that hangs inside a transaction keeps its locks"
            mend = "ALTER ROLE of DATABASE_URL's user SET idle_in_transaction_session_timeout = '120s'."
            findings.append(Finding("Connection pooler", Verdict.DOUBTFUL, detail, mend))
    return findings


async def _keys(settings: Settings, pool: asyncpg.Pool[asyncpg.Record]) -> Finding:
    """Whether a key is missing, or an older one still needed: all that is stored is tried, not a sample."""
    subject = "TOKEN_ENCRYPTION_KEYS"
    found = await survey(pool, TokenVault.from_settings(settings))
    if found.unreadable:
        kinds = ", ".join(f"{what}: {count:,}" for what, count in found.unreadable.items())
        return Finding(
            subject,
            Verdict.FAILS,
            f"{sum(found.unreadable.values()):,} of {found.ciphertexts:,} stored secrets cannot be decrypted ({kinds})",
            "Add the key they were encrypted with after the newest one. If it is lost, `killreport rotate-keys"
            " --forget-unreadable` asks their pilots to log in again.",
        )
    detail = f"tried {found.ciphertexts:,} stored secrets: all readable"
    if found.older:
        return Finding(
            subject, Verdict.GOOD, f"{detail}, {found.older:,} with an older key: run `killreport rotate-keys`"
        )
    return Finding(subject, Verdict.GOOD, f"{detail} with the newest key")


async def _redis(settings: Settings) -> list[Finding]:
    async with redis_client(settings) as client:
        await client.set("killreport:doctor", "1", ex=1)
    return [Finding("Redis", Verdict.GOOD, f"reads and writes at {place(settings.redis_url)}")]


async def _temporal(settings: Settings) -> list[Finding]:
    client = await temporal_client(settings)
    where = f"{settings.temporal_address}, namespace {settings.temporal_namespace}"
    findings = [Finding("Temporal", Verdict.GOOD, where)]
    with temporal_failures(settings):
        registered = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = [name for name in SEARCH_ATTRIBUTES if name not in registered.custom_attributes]
        findings.append(
            Finding("Search attributes", Verdict.FAILS, f"missing: {', '.join(missing)}", "Run `killreport migrate`.")
            if missing
            else Finding("Search attributes", Verdict.GOOD, ", ".join(SEARCH_ATTRIBUTES))
        )
        findings.append(await _retention(client, timedelta(days=settings.temporal_retention_days)))
        findings.extend(_schedules(client.namespace, await paused_schedules(client)))
        for queue in await describe_task_queues(client):
            subject = f"Workers of queue {queue.name}"
            if queue.pollers:
                detail = f"{queue.pollers} pollers, {queue.backlog} tasks waiting"
                findings.append(Finding(subject, Verdict.GOOD, detail))
            else:
                detail = f"nothing polls it, {queue.backlog} tasks waiting"
                findings.append(Finding(subject, Verdict.FAILS, detail, "Start `killreport worker`."))
    return findings


async def _retention(client: Client, wanted: timedelta) -> Finding:
    kept = await namespace_retention(client) or timedelta(0)
    detail = f"workflows that have ended are kept for {told_retention(kept)}"
    if kept >= wanted:
        return Finding("Retention", Verdict.GOOD, detail)
    detail += f", not for the {told_retention(wanted)} of TEMPORAL_RETENTION_DAYS"
    return Finding("Retention", Verdict.DOUBTFUL, detail, "Run `killreport migrate`.")


def _schedules(namespace: str, paused: dict[str, bool | None]) -> Iterator[Finding]:
    """Without the watchdog, nobody starts again what was lost; the rest only grows old."""
    subject = "Schedules"
    if missing := [one for one, state in paused.items() if state is None]:
        yield Finding(subject, Verdict.FAILS, f"missing: {', '.join(missing)}", "Run `killreport migrate`.")
    for one in (one for one, state in paused.items() if state):
        verdict = Verdict.FAILS if one == WATCHDOG_ID else Verdict.DOUBTFUL
        mend = f"Run `temporal schedule toggle --namespace {namespace} --schedule-id {one} --unpause`."
        yield Finding(subject, verdict, f"{one} is paused", mend)
    if not any(state is None or state for state in paused.values()):
        yield Finding(subject, Verdict.GOOD, ", ".join(paused))


def skew(subject: str, theirs: datetime) -> Finding:
    """Whether another machine's clock and ours agree closely enough to tell how old tokens and caches are."""
    seconds = (datetime.now(UTC) - theirs).total_seconds()
    if abs(seconds) <= TOLERATED_SKEW_SECONDS:
        return Finding(subject, Verdict.GOOD, f"{abs(seconds):.1f} s apart")
    ahead = "ahead" if seconds > 0 else "behind"
    return Finding(
        subject, Verdict.FAILS, f"this machine is {abs(seconds):.0f} s {ahead}", "Synchronise the clocks (NTP, chrony)."
    )


EXAMINATIONS = (
    Examination("Postgres", _postgres, "Start Postgres, or correct DATABASE_URL."),
    Examination("Redis", _redis, "Start Redis or Valkey, or correct REDIS_URL."),
    Examination("Temporal", _temporal, "Start Temporal, or correct TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE."),
    Examination("EVE SSO", look_at_sso, "Check EVE's status, your network and EVE_SSO_URL."),
    Examination("ESI", look_at_esi, "Check ESI's status, your network and ESI_BASE_URL."),
)
