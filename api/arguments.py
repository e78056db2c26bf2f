"""Arguments as strangers send them, made into what `db` takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.errors import Code, Refused
from db.killmails.filter import KillmailFilter, ParticipantFilter, SecurityBand

LARGEST_ID = 2**63 - 1
MAX_PAGE = 100


def id_or_none(text: str) -> int | None:
    """The EVE id that this is; None for anything but a positive whole number of 64 bits."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID))):
        return None
    return number if 0 < (number := int(text)) <= LARGEST_ID else None


def eve_id(text: str) -> int:
    """The EVE id that this is.

    Raises:
        Refused: it is none.
    """
    if (number := id_or_none(text)) is None:
        raise Refused(Code.BAD_USER_INPUT, "An EVE id must be a positive whole number.")
    return number


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
        pod=given.get("pod"),
    )


def period(since: datetime | None, until: datetime | None) -> None:
    """Check that it lasts.

    Raises:
        Refused: it ends before it begins.
    """
    if since is not None and until is not None and since >= until:
        raise Refused(Code.BAD_USER_INPUT, "`since` must be before `until`.")


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
