"""`killreport import-legacy POSTGRES_URL`: users and killmails of the system before this one.

It remembers nothing of itself: each page is compared with what is here, so it may die at any line and is simply run
again. What is here already stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
from temporalio.client import Client

from db.accounts.departures import characters_leaving
from db.accounts.vault import TokenVault
from db.address import BadDatabaseUrl, database_address
from db.legacy.killmails import KillmailsTaken, take_killmails
from db.legacy.source import LegacyDatabase, LegacyDatabaseFails, legacy_database
from db.legacy.users import UsersTaken, take_users
from live import LiveEvents
from operations.connections import database, postgres_failures, redis_client, temporal_client, temporal_failures
from operations.failure import OperationFailed
from settings import Settings
from temporal.departure import departures_remembered
from temporal.schedules import trigger_watchdog
from temporal.universe import name_old_killmails

NAMED_AFTER = timedelta(seconds=5)
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class LegacyImported:
    """The report: counts, reasons and ids. `watchdog`: whether one was there to start the users' workflows."""

    users: UsersTaken = field(default_factory=UsersTaken)
    killmails: KillmailsTaken = field(default_factory=KillmailsTaken)
    watchdog: bool = True


async def import_legacy(settings: Settings, url: str, on_progress: Progress) -> LegacyImported:
    """Take all that is not here yet, and have the workflows of new users started.

    Args:
        url: the old system's Postgres, which is only read.
        on_progress: called with how many rows have been looked at, and of how many.

    Raises:
        OperationFailed: a service is away, or `url` leads to something else. What came by then stays.
    """
    report = LegacyImported()
    try:
        where = database_address(url).place
    except BadDatabaseUrl as error:
        raise OperationFailed(f"The URL of the old system's Postgres {error}.") from error
    client = await temporal_client(settings)
    with temporal_failures(settings):
        left = set(await departures_remembered(client))
    try:
        async with database(settings) as pool, redis_client(settings) as redis, legacy_database(url) as old:
            total = await old.count("users") + await old.count("killmails")
            with postgres_failures(settings):
                left |= await characters_leaving(pool)
                await _users(pool, TokenVault.from_settings(settings), old, left, report.users, on_progress, total)
            with postgres_failures(settings), temporal_failures(settings):
                await _killmails(pool, LiveEvents(redis), client, old, report, on_progress, total)
    except LegacyDatabaseFails as error:
        raise OperationFailed(
            f"The old system's Postgres at {where} cannot be used: {error}. What came by now stays: run this again."
        ) from error
    with temporal_failures(settings):
        report.watchdog = await trigger_watchdog(client)
    return report


async def _users(
    pool: asyncpg.Pool,
    vault: TokenVault,
    old: LegacyDatabase,
    left: set[int],
    taken: UsersTaken,
    on_progress: Progress,
    total: int,
) -> None:
    done, after = 0, None
    while page := await old.users(after):
        await take_users(pool, vault, page, left, taken)
        done, after = done + len(page), page[-1]["character_id"]
        on_progress(done, total)
        if after is None:
            break


async def _killmails(
    pool: asyncpg.Pool,
    live: LiveEvents,
    client: Client,
    old: LegacyDatabase,
    report: LegacyImported,
    on_progress: Progress,
    total: int,
) -> None:
    async def order_names(killmail_ids: Sequence[int]) -> None:
        await name_old_killmails(client, killmail_ids, NAMED_AFTER)

    done, after = await old.count("users"), None
    while page := await old.killmails(after):
        await take_killmails(pool, live, old, page, order_names, report.killmails)
        done, after = done + len(page), page[-1]["killmail_id"]
        on_progress(done, total)
        if after is None:
            break


def told(report: LegacyImported) -> str:
    """The report in sentences; ids of killmails, and no names or tokens."""
    users, killmails = report.users, report.killmails
    lines = [
        f"Users: {users.came:,} came, {users.already_here:,} here before{_unusable(users.unusable)}.",
        f"Killmails: {killmails.came:,} came, {killmails.already_here:,} here before, {killmails.rebuilt:,} put"
        f" together from the old system's rows{_unusable(killmails.unusable)}.",
    ]
    if users.needs_login:
        lines.append(
            f"Without a usable permission of EVE's, so they must log in: {users.needs_login:,} of those who came."
        )
    if users.left_here:
        lines.append(f"Left here since, so not taken again: {users.left_here:,}.")
    if users.came - users.needs_login:
        lines.append(
            "The watchdog starts the syncs of those who came."
            if report.watchdog
            else "Temporal is not prepared: run `killreport migrate`, and the watchdog starts their syncs."
        )
    if killmails.waiting:
        lines.append(
            f"Fetched from EVE in the background: {killmails.waiting:,} killmails. When `killreport doctor --gaps`"
            " shows none as due, run this again: what EVE did not give is then put together from the old system's rows."
        )
    for missing, examples in killmails.examples.items():
        lines.append(f"Killmails without {missing}, for example: {', '.join(map(str, examples))}.")
    return "\n".join(lines)


def _unusable(reasons: Counter[str]) -> str:
    if not reasons:
        return ", all usable"
    each = ", ".join(f"{count:,} without {missing}" for missing, count in sorted(reasons.items()))
    return f", {reasons.total():,} not usable ({each})"
