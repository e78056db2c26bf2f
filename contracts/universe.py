"""What the workflows of the universe say to their activities and callers: ids and counts only."""

from __future__ import annotations

from dataclasses import dataclass, field

ENRICHMENT_ID = "enrichment"
"""Workflow id of `Enrichment`: one at a time, so that the limits of the settings hold for the installation."""
NAME_REFRESH_ID = "name-refresh"
"""Id of the Temporal Schedule that runs `NameRefresh` daily, and the prefix of its workflow ids."""


@dataclass
class Described:
    """What one of them came to. `more`: there was more than one activity takes."""

    told: int = 0
    unknown: int = 0
    more: bool = False


@dataclass
class EnrichmentReport:
    """What a run of `Enrichment` told, by activity, and what it gave up for now."""

    told: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    put_off: list[str] = field(default_factory=list)


@dataclass
class RefreshNames:
    """Input of `refresh_names`: aged names above an id, by id, as many as one activity takes."""

    after_id: int = 0


@dataclass
class RefreshedNames:
    """How far that came: go on after `after_id`, unless `done`. `asked` = changed + unchanged + unknown."""

    asked: int = 0
    changed: int = 0
    unknown: int = 0
    after_id: int = 0
    done: bool = True


@dataclass
class NameRefreshReport:
    """A run of `NameRefresh`: aged names asked for again, those that changed, those ESI no longer knows."""

    asked: int = 0
    changed: int = 0
    unknown: int = 0
    complete: bool = True
