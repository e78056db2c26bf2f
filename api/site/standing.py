"""How the installation stands, gathered from whatever of it answers: for the status and the admin page."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from api.services import Services
from contracts.plurals import counted
from db.intake.stream_place import StreamPlace, stream_place
from db.syncs.figures import Figures, figures, killmails_stored, unless_slow
from eve.errors import Unavailable
from eve.esi.budget import BucketState, Budget, Pause
from temporal.task_queues import TaskQueueFigures, TemporalDoesNotAnswer, task_queue_figures

log = logging.getLogger(__name__)
DOWNTIME = "downtime"
REDIS_SECONDS = 2.0
"""How long the page waits for ESI's budgets."""


@dataclass(frozen=True, slots=True)
class InstallationStanding:
    """`killmails` is None when they could not be counted soon, `queues` when Temporal does not answer, `buckets` and
    `pauses` when Redis does not."""

    figures: Figures
    killmails: int | None
    queues: list[TaskQueueFigures] | None
    buckets: list[BucketState] | None
    pauses: list[Pause] | None
    stream: StreamPlace | None = None
    """Of zKillboard's stream; None where it is not followed, or was not begun."""

    @property
    def sentences(self) -> list[str]:
        """What is not as it should be; none: all is well."""
        found = []
        if self.queues is None:
            found.append("The sync service is not responding; nothing is synced until it is back, and nothing is lost.")
        elif any(queue.pollers == 0 for queue in self.queues):
            found.append("No worker is running; syncs pick up where they left off as soon as one starts.")
        if self.buckets is None:
            found.append("Live updates are not working; reload a page to see new killmails.")
        if downtimes := [pause.until for pause in self.pauses or () if pause.scope.partition("@")[0] == DOWNTIME]:
            found.append(f"EVE is in downtime; syncs resume at {max(downtimes):%H:%M} EVE time.")
        if self.figures.late_users:
            pilots = counted(sum(self.figures.users.values()), "pilot")
            found.append(f"Syncs are late for {self.figures.late_users:,} of {pilots}.")
        if self.stream is not None and not self.stream.is_well:
            found.append(self.stream.sentence)
        return found


@dataclass(frozen=True, slots=True)
class Budgeted:
    """How many buckets ESI keeps for us in a group, and what is left of the emptiest: 0 to 100."""

    group: str
    buckets: int
    least_left: int


async def standing(services: Services) -> InstallationStanding:
    """Ask Postgres, Temporal and Redis, all at once: whoever reads this waits for the slowest of them only."""
    found, killmails, queues, budgets, stream = await asyncio.gather(
        figures(services.pool, services.settings.sync_interval_seconds),
        unless_slow(killmails_stored(services.pool)),
        _queues(services),
        _budgets(Budget(services.redis)),
        _stream(services),
    )
    buckets, pauses = budgets or (None, None)
    return InstallationStanding(found, killmails, queues, buckets, pauses, stream)


async def _stream(services: Services) -> StreamPlace | None:
    return await stream_place(services.pool) if services.settings.zkillboard_live else None


async def _queues(services: Services) -> list[TaskQueueFigures] | None:
    try:
        return await task_queue_figures(services.temporal)
    except TemporalDoesNotAnswer as error:
        log.warning("%s", error)
        return None


async def _budgets(budget: Budget) -> tuple[list[BucketState], list[Pause]] | None:
    try:
        async with asyncio.timeout(REDIS_SECONDS):
            return await budget.buckets(), await budget.pauses()
    except (Unavailable, TimeoutError) as error:
        log.warning("Redis does not answer, so ESI's budgets are not shown: %s", error or "no answer in time")
        return None


def by_group(buckets: list[BucketState]) -> list[Budgeted]:
    """The budgets without the characters they belong to."""
    left: dict[str, list[int]] = {}
    for one in buckets:
        left.setdefault(one.group, []).append(round(100 * one.remaining / one.limit) if one.limit else 0)
    return [Budgeted(group, len(shares), min(shares)) for group, shares in sorted(left.items())]
