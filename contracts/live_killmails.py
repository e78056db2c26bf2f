"""What the follower of zKillboard's stream says to its activity, and its sentences for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

LIVE_KILLMAILS_ID = "live-killmails"
"""Workflow id of `LiveKillmails`: one follower for the whole installation."""


class StreamOutcome(StrEnum):
    """What came of following the stream for a while."""

    FOLLOWED = "followed"
    NOBODY = "nobody"  # is here whose killmails could be wanted; nothing was asked
    OFF = "off"  # ZKILLBOARD_LIVE


@dataclass
class FollowStream:
    """Input of `follow_killmail_stream`. `sequence`: handled last, as the workflow knows; Postgres knows better."""

    sequence: int | None = None


@dataclass
class StreamReport:
    """What came of it. `missed`: objects that were gone before they could be read; the archive has them.

    Nothing depends on `wanted` and `missed`: they are for those who read the workflow's history.
    """

    outcome: StreamOutcome
    sequence: int | None = None
    read: int = 0
    wanted: int = 0
    new: int = 0
    missed: int = 0
    refused: dict[str, int] = field(default_factory=dict)


@dataclass
class LiveRun:
    """Input of `LiveKillmails`: its bookmark, failures in a row, and what it has done since it was started."""

    sequence: int | None = None
    failures: int = 0
    read: int = 0
    new: int = 0


def live_sentence(run: LiveRun, trouble: str = "") -> str:
    """How the follower stands, for people."""
    told = f"Read up to {run.sequence:,}" if run.sequence is not None else "Nothing read yet"
    return f"{told}; {run.read:,} killmails read, {run.new:,} new here.{f' It waits: {trouble}.' if trouble else ''}"
