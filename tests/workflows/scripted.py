"""Stand-ins for the activities of every workflow, for recordings: what they answer is written down beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.common import RawValue

from contracts.archive import DayOutcome, DayReport, HistoryDays
from contracts.live_killmails import StreamOutcome, StreamReport
from contracts.static_data import StaticDataLook, StaticDataOutcome
from contracts.sync import Discovery, FailureType, RunAccount
from contracts.universe import Described, RefreshedNames
from contracts.upkeep import FullSyncsAsked, Housekept, RestoredSyncs, SumsBuilt
from contracts.values import AppraisedKillmails, MarketRead, PricesTaken
from contracts.webhooks import Delivered
from tests.workflows.stand_ins import StandIns, failure

AFTER_THE_SCRIPT: dict[str, object] = {
    "discover_corporation_killmails": Discovery(unchanged=True),
    "finish_corporation_run": RunAccount(newest_killmail_at=datetime(2026, 11, 20, 12, tzinfo=UTC)),
    "record_corporation_state": None,
    "describe_characters": Described(),
    "describe_corporations": Described(),
    "describe_alliances": Described(),
    "describe_types": Described(),
    "describe_places": Described(),
    "name_missed_killmails": Described(),
    "refresh_names": RefreshedNames(),
    "take_price_snapshot": PricesTaken(),
    "appraise_killmails": AppraisedKillmails(),
    "ask_for_full_syncs": FullSyncsAsked(due=3, asked=2),
    "delete_what_is_old": Housekept(),
    "build_sums": SumsBuilt(subjects=3, finished=3),
    "read_archive_day": DayReport("2026-11-20", DayOutcome.UNCHANGED),
    "choose_history_days": HistoryDays(),
    "follow_killmail_stream": StreamReport(StreamOutcome.OFF),
    "read_market_month": MarketRead(),
    "look_for_static_data": StaticDataLook(StaticDataOutcome.UNCHANGED, 3_600_000),
    "finish_departure": None,
    "deliver_webhook": Delivered(),
    "restore_syncs": RestoredSyncs(),
}
"""By the activity's name."""


@dataclass
class Scripted(StandIns):
    """`answers`, by the activity's name, are given or raised one after another; `held` ones wait for their event."""

    answers: dict[str, list[object]] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @activity.defn(dynamic=True)
    async def answer(self, _: Sequence[RawValue]) -> Any:
        name = activity.info().activity_type
        self.asked.append(name)
        if name in self.held:
            await self.held[name].wait()
        answers = self.answers.get(name)
        answer = answers.pop(0) if answers else AFTER_THE_SCRIPT[name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def activities(self) -> list[Callable[..., Any]]:
        return [*super().activities, self.answer]


def limited(seconds: float) -> Exception:
    """A spent budget that holds something again so many seconds from now."""
    return failure(FailureType.RATE_LIMITED, (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat())


def downtime(seconds: float) -> Exception:
    """EVE is away for so long."""
    return failure(FailureType.DOWNTIME, (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat())
