"""Where a pilot's killmails came from and what is known to be missing, in words: for GraphQL and the settings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from api.services import Services
from contracts.plurals import counted
from db.intake.sources import ArchiveDifferences, PilotSources, Source, archive_differences, pilot_sources

WORDS = {
    Source.OWN_LIST: "EVE's list of this character",
    Source.CORPORATION: "EVE's list of a corporation that is followed here",
    Source.FLEET_MATE: "EVE's list of another character here",
    Source.ARCHIVE: "The public archive",
    Source.LIVE: "zKillboard's live stream",
    Source.LINK: "Added by a link",
    Source.IMPORT: "zKillboard's history",
    Source.LEGACY: "The system before this one",
    Source.UNKNOWN: "Not known",
}
LISTED = "EVE lists a killmail for 90 days, and only to its victim and to whoever got the final blow."


@dataclass(frozen=True, slots=True)
class Missing:
    """What is known to be missing, or may be. `reason`: a `MissingReason` of the schema."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class KillmailAccount:
    """Of one pilot. `sources`: the most first."""

    total: int
    sources: list[tuple[Source, int]]
    missing: list[Missing]


async def killmail_accounts(services: Services, character_ids: Collection[int]) -> dict[int, KillmailAccount]:
    """The account of each of these pilots, who are the caller's."""
    found = await pilot_sources(services.pool, character_ids)
    is_read = bool(services.settings.archive_url)
    differences = await archive_differences(services.pool) if is_read else None
    return {
        character_id: KillmailAccount(
            sum(one.stored.values()),
            sorted(one.stored.items(), key=lambda item: (-item[1], item[0])),
            _missing(one, differences),
        )
        for character_id, one in found.items()
    }


def _missing(found: PilotSources, archive: ArchiveDifferences | None) -> list[Missing]:
    """`archive` None: none is read here."""
    told = []
    if found.waiting:
        told.append(Missing("WAITING", f"{counted(found.waiting, 'killmail')} that EVE listed must still be fetched."))
    if found.given_up:
        killmails = counted(found.given_up, "killmail")
        told.append(Missing("GIVEN_UP", f"EVE lists {killmails} but does not return the details."))
    if found.unlisted_from is not None and found.unlisted_to is not None:
        span = f"{found.unlisted_from:%Y-%m-%d} to {found.unlisted_to:%Y-%m-%d}"
        told.append(Missing("NOT_LISTED", f"The list was not read for so long that EVE lists nothing from {span} now."))
    if archive is None:
        told.append(Missing("NO_ARCHIVE", f"{LISTED} No archive is read here, so most assists are missing."))
        return told
    if found.days_unread:
        days = counted(found.days_unread, "day")
        told.append(
            Missing("ARCHIVE_UNREAD", f"{LISTED} The rest is in the archive, of which {days} are not read yet.")
        )
    if archive.days:
        message = (
            f"{counted(archive.days, 'day')} of the archive lacked killmails or held some that could not be taken:"
            f" {counted(archive.killmails, 'killmail')}, anybody's. They are looked at again."
        )
        told.append(Missing("ARCHIVE_INCOMPLETE", message))
    return told
