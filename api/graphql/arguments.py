"""Arguments as strangers send them, made into what `db` takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.graphql.errors import Code, Refused
from db.accounts.sessions import Caller
from db.killmails.feed import KillmailFilter, ParticipantFilter, SecurityBand, Viewer

LARGEST_ID = 2**63 - 1
MAX_PAGE = 100


def eve_id(value: str) -> int:
    """An EVE id.

    Raises:
        Refused: it is not a positive integer of 64 bits.
    """
    if not (value.isascii() and value.isdigit() and len(value) < 20 and 0 < int(value) <= LARGEST_ID):
        raise Refused(Code.BAD_USER_INPUT, "An EVE id must be a positive whole number.")
    return int(value)


def page_size(first: int | None) -> int:
    """Killmails of one page.

    Raises:
        Refused: more or fewer than a page may have.
    """
    if first is None or not 1 <= first <= MAX_PAGE:
        raise Refused(Code.BAD_USER_INPUT, f"`first` must be between 1 and {MAX_PAGE}.")
    return first


def killmail_filter(given: dict[str, Any] | None) -> KillmailFilter:
    """The filter. Whom it names is nobody's secret: it narrows what the caller may see.

    Raises:
        Refused: an id is none, or no killmail could ever fit.
    """
    given = given or {}
    for low, high in (("minValue", "maxValue"), ("minAttackers", "maxAttackers")):
        if given.get(low) is not None and given.get(high) is not None and given[low] > given[high]:
            raise Refused(Code.BAD_USER_INPUT, f"`{low}` must not be greater than `{high}`.")
    period(given.get("since"), given.get("until"))
    security: list[SecurityBand] | None = given.get("security")
    return KillmailFilter(
        character_id=_id(given, "characterId"),
        corporation_id=_id(given, "corporationId"),
        alliance_id=_id(given, "allianceId"),
        side=given.get("side"),
        scope=given.get("scope"),
        victim=_participant(given.get("victim")),
        attacker=_participant(given.get("attacker")),
        participant=_participant(given.get("participant")),
        solar_system_id=_id(given, "solarSystemId"),
        constellation_id=_id(given, "constellationId"),
        region_id=_id(given, "regionId"),
        security=None if security is None else frozenset(security),
        min_value=given.get("minValue"),
        max_value=given.get("maxValue"),
        since=given.get("since"),
        until=given.get("until"),
        min_attackers=given.get("minAttackers"),
        max_attackers=given.get("maxAttackers"),
        solo=given.get("solo"),
        npc=given.get("npc"),
        awox=given.get("awox"),
    )


def period(since: datetime | None, until: datetime | None) -> None:
    """Check that it lasts.

    Raises:
        Refused: it ends before it begins.
    """
    if since is not None and until is not None and since >= until:
        raise Refused(Code.BAD_USER_INPUT, "`since` must be before `until`.")


def viewer(caller: Caller) -> Viewer:
    """Whose killmails the caller may see."""
    return Viewer(caller.character_ids, caller.corporation_ids)


def _participant(given: dict[str, Any] | None) -> ParticipantFilter | None:
    if given is None:
        return None
    return ParticipantFilter(
        character_id=_id(given, "characterId"),
        corporation_id=_id(given, "corporationId"),
        alliance_id=_id(given, "allianceId"),
        ship_type_id=_id(given, "shipTypeId"),
        ship_group_id=_id(given, "shipGroupId"),
    )


def _id(given: dict[str, Any], name: str) -> int | None:
    return None if given.get(name) is None else eve_id(given[name])
