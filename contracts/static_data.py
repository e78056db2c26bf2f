"""What the workflow of the static data says to its activity and callers: a build's number and counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STATIC_DATA_ID = "static-data"
"""Id of the Temporal Schedule that runs `StaticDataFollow` daily, and the prefix of its workflow ids."""


class StaticDataOutcome(StrEnum):
    """What came of a look for a newer build."""

    OFF = "off"  # there is nobody to ask
    UNCHANGED = "unchanged"
    UNTOUCHED = "untouched"  # newer, but of what we keep nothing has changed: it was not downloaded
    LOADED = "loaded"
    REFUSED = "refused"  # `why` says what is wrong; nothing was changed


@dataclass
class StaticDataLook:
    """A look. `changed`: rows and names that are new or have changed."""

    outcome: StaticDataOutcome
    build: int = 0
    changed: int = 0
    why: str = ""


def look_sentence(look: StaticDataLook) -> str:
    """A look, for people."""
    return {
        StaticDataOutcome.OFF: "Nobody is asked for static data (STATIC_DATA_URL).",
        StaticDataOutcome.UNCHANGED: f"Build {look.build:,} is the newest.",
        StaticDataOutcome.UNTOUCHED: f"Build {look.build:,} changed nothing that is kept here.",
        StaticDataOutcome.LOADED: f"Build {look.build:,} was loaded: {look.changed:,} rows and names changed.",
        StaticDataOutcome.REFUSED: f"Nothing was changed. {look.why}",
    }[look.outcome]
