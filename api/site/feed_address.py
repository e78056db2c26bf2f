"""A feed's address: what is chosen, as a query string that can be shared and gone back through.

Anything a stranger wrote into it that makes no sense counts as not chosen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from api.arguments import id_or_none
from api.site.labels import isk_of
from db.killmails.feed import KillmailFilter, Order, ParticipantFilter, SecurityBand, Side

SIDES: dict[str, Side] = {"kills": "ATTACKER", "losses": "VICTIM"}
WORTHS = {"100m": Decimal(10) ** 8, "1b": Decimal(10) ** 9, "10b": Decimal(10) ** 10}
"""Least values in ISK, as pilots say them."""
CALENDAR = re.compile(r"(20[0-9]{2})(?:-(0[1-9]|1[0-2]))?", re.ASCII)
"""A year or a month as a period: 2026, 2026-11."""
BANDS: dict[str, SecurityBand] = {"high": "HIGH_SEC", "low": "LOW_SEC", "null": "NULL_SEC", "wormhole": "WORMHOLE"}
IDS = ("pilot", "corp", "alliance", "ship", "group", "system", "region")
"""Parameters of the panel that name something."""
MOST_ATTACKERS = 100_000


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """Each field is a parameter of the query string. `all`: everything one may see, not only one's own.

    From `since` on they are the panel's: days of EVE time, the last of them included; a participant, where `role` is
    the side it stands on; `few` and `many` are the least and the most attackers.
    """

    character: int | None = None
    corporation: int | None = None
    all: str | None = None
    side: str | None = None
    solo: str | None = None
    worth: str | None = None
    days: str | None = None
    since: str | None = None
    until: str | None = None
    pilot: int | None = None
    corp: int | None = None
    alliance: int | None = None
    ship: int | None = None
    group: int | None = None
    role: str | None = None
    system: int | None = None
    region: int | None = None
    sec: str | None = None
    min: str | None = None
    max: str | None = None
    few: int | None = None
    many: int | None = None
    npc: str | None = None
    awox: str | None = None
    pods: str | None = None
    sort: str | None = None
    after: str | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> FeedAddress:
        """The choice in a query string, without the panel's."""

        def one_of(name: str, *allowed: str) -> str | None:
            value = parameters.get(name)
            return value if value in allowed else None

        period = parameters.get("days", "")
        return cls(
            character=id_or_none(parameters.get("character", "")),
            corporation=id_or_none(parameters.get("corporation", "")),
            all=one_of("all", "1"),
            side=one_of("side", *SIDES),
            solo=one_of("solo", "1"),
            worth=one_of("worth", *WORTHS),
            days=period if CALENDAR.fullmatch(period) else one_of("days", "7", "30", "365", "all"),
            sort=one_of("sort", "value"),
            after=parameters.get("after") or None,
        )

    @classmethod
    def whole(cls, parameters: Mapping[str, str]) -> FeedAddress:
        """The choice in a query string; `sec` holds bands with commas between them."""

        def told(name: str) -> str:
            return parameters.get(name, "").strip()

        def one_of(name: str, *allowed: str) -> str | None:
            return told(name) if told(name) in allowed else None

        bands = [band for band in BANDS if band in told("sec").split(",")]
        chosen = replace(
            cls.of(parameters),
            since=told("since") if _day(told("since")) else None,
            until=told("until") if _day(told("until")) else None,
            role=one_of("role", "victim", "attacker"),
            sec=",".join(bands) or None,
            min=told("min") if isk_of(told("min")) is not None else None,
            max=told("max") if isk_of(told("max")) is not None else None,
            few=_count(told("few")),
            many=_count(told("many")),
            npc=one_of("npc", "0", "1"),
            awox=one_of("awox", "1"),
            pods=one_of("pods", "0"),
        )
        ids: dict[str, Any] = {name: id_or_none(told(name)) for name in IDS}
        return replace(chosen, **ids)

    def but(self, **changes: Any) -> FeedAddress:
        """Another choice, from its newest killmail on."""
        return replace(self, **{"after": None, **changes})

    def unfiltered(self) -> FeedAddress:
        """The same feed with all that is in it."""
        return FeedAddress(self.character, self.corporation, self.all, days=self.days, sort=self.sort)

    @property
    def panel(self) -> dict[str, Any]:
        """What is chosen in the panel."""
        quick = {"character", "corporation", "all", "side", "worth", "days", "sort", "after"}
        return {name: value for name, value in self.chosen().items() if name not in quick}

    def query(self) -> str:
        """The query string, without what is not chosen."""
        return urlencode(self.chosen(), safe=",")

    def at(self, path: str) -> str:
        """The address of the page at `path` with this choice."""
        query = self.query()
        return f"{path}?{query}" if query else path

    def export(self) -> str:
        """The query string of an export of the same killmails (`api.exports.killmails`)."""
        chosen, one = self.filter(), self._participant()
        given: dict[str, Any] = {
            "characterId": chosen.character_id,
            "corporationId": chosen.corporation_id,
            "side": chosen.side,
            "scope": chosen.scope,
            "solarSystemId": chosen.solar_system_id,
            "regionId": chosen.region_id,
            "security": sorted(chosen.security) if chosen.security else None,
            "minValue": None if chosen.min_value is None else f"{chosen.min_value:f}",
            "maxValue": None if chosen.max_value is None else f"{chosen.max_value:f}",
            "since": chosen.since and chosen.since.isoformat(),
            "until": chosen.until and chosen.until.isoformat(),
            "minAttackers": chosen.min_attackers,
            "maxAttackers": chosen.max_attackers,
            **{name: getattr(chosen, name) for name in ("solo", "npc", "awox", "pod")},
        }
        if one is not None:
            given[self.role or "participant"] = {
                "characterId": one.character_id and str(one.character_id),
                "corporationId": one.corporation_id and str(one.corporation_id),
                "allianceId": one.alliance_id and str(one.alliance_id),
                "shipTypeId": one.ship_type_id and str(one.ship_type_id),
                "shipGroupId": one.ship_group_id and str(one.ship_group_id),
            }
        told = {
            name: str(value) if name.endswith("Id") else value for name, value in given.items() if value is not None
        }
        return urlencode({"filter": json.dumps(told, separators=(",", ":"))}) if told else ""

    @property
    def order(self) -> Order:
        """The order of the list."""
        return "VALUE" if self.sort else "TIME"

    def filter(self) -> KillmailFilter:
        """The killmails of the feed at this address."""
        least = [value for value in (isk_of(self.min or ""), WORTHS.get(self.worth or "")) if value is not None]
        since, until = _day(self.since or ""), _day(self.until or "")
        one = self._participant()
        return KillmailFilter(
            character_id=self.character,
            corporation_id=self.corporation,
            side=SIDES.get(self.side or ""),
            scope="VISIBLE" if self.all else None,
            victim=one if self.role == "victim" else None,
            attacker=one if self.role == "attacker" else None,
            participant=None if self.role else one,
            solar_system_id=self.system,
            region_id=self.region,
            security=frozenset(BANDS[band] for band in self.sec.split(",")) if self.sec else None,
            min_value=max(least, default=None),
            max_value=isk_of(self.max or ""),
            since=since,
            until=until and until + timedelta(days=1),
            min_attackers=self.few,
            max_attackers=self.many,
            solo=True if self.solo else None,
            npc=None if self.npc is None else self.npc == "1",
            awox=True if self.awox else None,
            pod=False if self.pods else None,
        )

    def _participant(self) -> ParticipantFilter | None:
        one = ParticipantFilter(self.pilot, self.corp, self.alliance, self.ship, self.group)
        return None if one.is_empty else one

    def chosen(self) -> dict[str, Any]:
        """The parameters of the query string."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in chosen.items() if value is not None}


def _day(text: str) -> datetime | None:
    """The beginning of a day such as 2026-11-28; None for anything else, and for days no killmail can have."""
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-11-28") else None
    except ValueError:
        return None
    return datetime.combine(day, time(), UTC) if day is not None and 2003 <= day.year <= 2999 else None


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 and int(text) <= MOST_ATTACKERS else None
