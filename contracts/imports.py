"""What a zKillboard import says to its activities and callers: ids, counts and times only.

Passed through the workflow sandbox, like `contracts/sync.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from contracts.sync import Progress

LAST_PAGE = 100
"""zKillboard gives no page beyond; what is older is read month by month."""
FIRST_MONTH = (2007, 12)
"""zKillboard has no killmail of before."""


def zkillboard_import_id(character_id: int) -> str:
    """Workflow id of a character's `ZkillboardImport`: one at a time."""
    return f"zkillboard-import-{character_id}"


class ImportState(StrEnum):
    """Where an import stands. `contracts/import_sentences.py` has the sentence for each."""

    ESTIMATING = "estimating"
    ESTIMATED = "estimated"  # waits for the pilot's answer
    IMPORTING = "importing"
    WAITING = "waiting"  # for a limit or an outage to end
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


ENDED = frozenset({ImportState.DONE, ImportState.CANCELLED, ImportState.FAILED})
"""States in which no workflow runs."""


@dataclass
class Position:
    """A page of zKillboard's list. Year and month 0: of the whole list, not of a month."""

    year: int = 0
    month: int = 0
    page: int = 1

    def __str__(self) -> str:
        return f"{self.page} of {self.year}-{self.month:02}" if self.year else str(self.page)


@dataclass
class Estimate:
    """What the import will come to. `at_least`: zKillboard's last page is full, there may be more behind it."""

    killmails: int = 0
    new: int = 0  # not here yet
    pages: int = 0
    seconds: int = 0
    at_least: bool = False


@dataclass
class ImportRunState:
    """All that one run of `ZkillboardImport` hands to the next."""

    character_id: int
    ask_first: bool = False  # wait for `begin` after the estimate
    estimate: Estimate | None = None
    position: Position = field(default_factory=Position)
    listed: int = 0
    cut_off: bool = False  # a month had more pages than zKillboard gives
    failures_in_a_row: int = 0
    unnamed_killmail_ids: list[int] = field(default_factory=list)  # stored; their names are still to be asked for


@dataclass
class ImportStatus:
    """What the `status` query answers."""

    state: ImportState = ImportState.ESTIMATING
    message: str = ""
    until: datetime | None = None
    character_id: int = 0
    estimate: Estimate | None = None
    progress: Progress | None = None


@dataclass
class CountPage:
    """Input of `count_zkillboard_page`."""

    character_id: int
    page: int = 1


@dataclass
class CountedPage:
    """How many killmails a page holds, and how many of them come with their body."""

    killmails: int = 0
    with_body: int = 0


@dataclass
class ImportPage:
    """Input of `import_zkillboard_page`."""

    character_id: int
    position: Position = field(default_factory=Position)


@dataclass
class ImportedPage:
    """What became of a page. `length` 0: it is beyond the end of the list.

    `new_ids`: here since the import began, to be named. `missing_ids`: to be fetched from ESI.
    """

    length: int = 0
    new_ids: list[int] = field(default_factory=list)
    missing_ids: list[int] = field(default_factory=list)
    oldest_year: int = 0  # of the last page: of the oldest killmail read; 0 where none is known
    oldest_month: int = 0


@dataclass
class NoteImport:
    """Input of `note_zkillboard_import`: what the workflow knows, for the page to show."""

    character_id: int
    state: ImportState = ImportState.ESTIMATING
    until: datetime | None = None
    failure: str = ""
    estimate: Estimate | None = None


@dataclass
class BegunImport:
    """How many killmails that this character is on are here already."""

    here: int = 0


@dataclass
class FinishImport:
    """Input of `finish_zkillboard_import`."""

    character_id: int
    state: ImportState = ImportState.DONE
    failure: str = ""
    cut_off: bool = False


@dataclass
class ImportAccount:
    """The account of an import: `listed` = `stored` + `pending` + `failed`. `new`: of `stored`, not here before."""

    state: ImportState = ImportState.DONE
    failure: str = ""
    listed: int = 0
    new: int = 0
    stored: int = 0
    pending: int = 0
    failed: int = 0
    unusable: int = 0
    cut_off: bool = False
    failures: dict[str, int] = field(default_factory=dict)
