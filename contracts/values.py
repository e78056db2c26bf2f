"""What the workflows of prices and values say to their activities and callers: ids and counts only."""

from __future__ import annotations

from dataclasses import dataclass

PRICE_SNAPSHOT_ID = "price-snapshot"
"""Id of the Temporal Schedule that runs `PriceSnapshot` daily, and the prefix of its workflow ids."""
MARKET_HISTORY_ID = "market-history"
"""Id of the Temporal Schedule that runs `MarketHistory` hourly, and the prefix of its workflow ids."""
REVALUATION_ID = "revaluation"
"""Workflow id of `Revaluation`: one at a time."""


@dataclass
class PricesTaken:
    """What a snapshot of the market prices came to. `taken` False: the day had one already."""

    taken: bool = False
    listed: int = 0
    changed: int = 0  # prices that differ from the snapshot before


@dataclass
class AppraiseKillmails:
    """Input of `appraise_killmails`: killmails above an id, by id, as many as one activity takes.

    `everything` False: only those that the newest prices can value better. True: all, of `since` and later.
    """

    after_killmail_id: int = 0
    everything: bool = False
    since: str = ""  # ISO date, UTC; empty: from the first on
    then: bool = False  # only those older than our prices that can be valued at The Forge's of their own day


@dataclass
class AppraisedKillmails:
    """How far that came: go on after `after_killmail_id`, unless `done`."""

    looked_at: int = 0
    changed: int = 0
    after_killmail_id: int = 0
    done: bool = True


@dataclass
class Revalued:
    """How far a revaluation is: asked of it, handed on through continue-as-new, and its result."""

    since: str = ""
    looked_at: int = 0
    changed: int = 0
    after_killmail_id: int = 0


@dataclass
class PriceSnapshotReport:
    """A run of `PriceSnapshot`: the prices, and the killmails they gave a value or a better one."""

    prices: PricesTaken
    revalued: int = 0


@dataclass
class MarketRead:
    """What a look at a month of The Forge's market came to: days by outcome. None: no day is wanted any more."""

    read: int = 0
    missing: int = 0
    refused: int = 0
    month: str = ""  # its first day, ISO

    @property
    def days(self) -> int:
        """All together."""
        return self.read + self.missing + self.refused


@dataclass
class MarketHistoryReport:
    """A run of `MarketHistory`: days that were asked for, and the killmails that have the prices of their day now."""

    read: int = 0
    missing: int = 0
    refused: int = 0
    revalued: int = 0
