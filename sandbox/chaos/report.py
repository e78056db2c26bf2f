"""The table of a campaign: faults, how many were survived, how long it took; for the terminal and `docs/proof.md`."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from db.accounts.refresh_leases import LEASE
from sandbox.chaos.plan import BARE_LIMIT_SECONDS, Kind

INTERVALS = 2
PREFACE = """# The proof

Written by `make chaos` itself: a whole installation under every fault of `sandbox/chaos/plan.py`, and then its data
held against the truth. The faults of a wave overlap, one to ten of them. When the last is over, a new killmail is made
for one pilot per fault; *seconds* are from then until the site shows it, the wait for the pilot's next look included.
""".splitlines()


@dataclass(frozen=True)
class Outcome:
    """A fault, and how many seconds after the end of its wave a new killmail was on the site; None: it never was.

    `allowed` are two intervals, and what the longest rule of its wave, or of one before, makes somebody wait.
    """

    kind: Kind
    seconds: float | None
    allowed: float

    @property
    def is_late(self) -> bool:
        return self.seconds is None or self.seconds > self.allowed


@dataclass
class Campaign:
    """All that is told of one. `broken` are the sentences of `truth.py`; `notes` what could not be done here."""

    seed: int
    pilots: int
    corporations: int
    interval_seconds: int
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    outcomes: list[Outcome] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    deaths: Mapping[str, int] = field(default_factory=dict)
    killmails: int = 0
    settled_seconds: float = 0.0
    held_until: float = 0.0
    """When nobody waits any more for a rule that a wave set off; on the clock of `allowed`."""
    checked: Sequence[str] = ()

    @property
    def survived(self) -> int:
        return sum(outcome.seconds is not None for outcome in self.outcomes)

    @property
    def kinds(self) -> set[str]:
        """Their names: a kind itself may hold a fault's settings, which have no hash."""
        return {outcome.kind.name for outcome in self.outcomes}

    def late(self) -> list[str]:
        """The kinds that took longer than they may, or for ever."""
        return sorted({outcome.kind.name for outcome in self.outcomes if outcome.is_late})

    def allowed(self, kinds: Iterable[Kind], over: float) -> float:
        """Seconds after `over`, when a wave of these was, in which all must be well.

        Whom a rule makes wait since the wave before may be asked about in this one.
        """
        self.held_until = max(self.held_until, over + max(kind.waits_seconds for kind in kinds))
        return INTERVALS * self.interval_seconds + max(0.0, self.held_until - over)

    def summary(self) -> str:
        """One line."""
        minutes = (datetime.now(UTC) - self.began).total_seconds() / 60
        return (
            f"{len(self.outcomes)} faults of {len(self.kinds)} kinds,"
            f" {self.survived} survived, {self.killmails:,} killmails of {self.pilots} pilots and {self.corporations}"
            f" corporations, {minutes:.0f} minutes, seed {self.seed}"
        )

    def table(self) -> list[str]:
        """The table in Markdown."""
        lines = ["| fault | times | survived | median s | worst s |", "|---|---:|---:|---:|---:|"]
        for name, times, survived, median, worst in self._rows():
            lines.append(f"| {name} | {times} | {survived} | {_number(median)} | {_number(worst)} |")
        seconds = [outcome.seconds for outcome in self.outcomes if outcome.seconds is not None]
        if seconds:
            median = statistics.median(seconds)
            lines.append(
                f"| **all** | {len(self.outcomes)} | {self.survived} | {_number(median)} | {_number(max(seconds))} |"
            )
        return lines

    def write(self, file: Path) -> None:
        """The newest proof, in place of the one before."""
        text = [
            *PREFACE,
            "",
            f"* {self.summary()}",
            f"* A pilot is looked at every {self.interval_seconds} s (as shipped: 900 s), so"
            f" {INTERVALS * self.interval_seconds} s are two intervals. Two rules make one pilot wait longer, which is"
            " allowed on top: the lease of a refresh whose worker or connection died without a word"
            f" ({LEASE.total_seconds():.0f} s), and a 429 that does not say until when ({BARE_LIMIT_SECONDS:.0f} s)",
            f"* {self.began:%Y-%m-%d %H:%M} UTC; {_machine()}",
            f"* Programs that ended by themselves under a fault and were started again: {_deaths(self.deaths)}",
            f"* The truth held {self.settled_seconds:.0f} s after the last fault; checked: {', '.join(self.checked)}",
            *[f"* {note}" for note in self.notes],
            *[f"* **Broken:** {broken}" for broken in self.broken],
            *[f"* **Later than it may be:** {kind}" for kind in self.late()],
            "",
            *self.table(),
            "",
        ]
        file.write_text("\n".join(text))

    def _rows(self) -> list[tuple[str, int, int, float | None, float | None]]:
        rows = []
        for name in sorted(self.kinds):
            of_kind = [outcome.seconds for outcome in self.outcomes if outcome.kind.name == name]
            seconds = [one for one in of_kind if one is not None]
            median = statistics.median(seconds) if seconds else None
            rows.append((name, len(of_kind), len(seconds), median, max(seconds, default=None)))
        return rows


def _number(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f}"


def _deaths(deaths: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {times}" for name, times in sorted(deaths.items())) or "none"


def _machine() -> str:
    load = os.getloadavg()[0]
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, load {load:.0f}"
