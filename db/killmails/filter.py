"""Who looks at the killmails, and for which: the viewer, the filter, the order.

A filter narrows what the viewer may see and never widens it, whomever it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Literal

Side = Literal["VICTIM", "ATTACKER"]
Scope = Literal["ACCOUNT", "VISIBLE"]
Order = Literal["TIME", "VALUE"]
Sight = Literal["OWN", "PUBLIC", "ALL"]
"""What is seen beside the boards that are named: nothing, those that are public, or everything there is."""
SecurityBand = Literal["HIGH_SEC", "LOW_SEC", "NULL_SEC", "WORMHOLE"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: the characters of their account, and the boards of corporations and other pilots open to them.

    `db.visibility` says which these are. Whoever is not logged in has none and sees what is public.
    """

    character_ids: tuple[int, ...]
    corporation_ids: tuple[int, ...] = ()
    other_ids: tuple[int, ...] = ()
    sight: Sight = "OWN"
    is_stranger: bool = False
    """Nobody is logged in."""


@dataclass(frozen=True, slots=True)
class ParticipantFilter:
    """One victim or attacker of whom all of this holds."""

    character_id: int | None = None
    corporation_id: int | None = None
    alliance_id: int | None = None
    ship_type_id: int | None = None
    ship_group_id: int | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing is asked: everybody matches."""
        return all(getattr(self, field.name) is None for field in fields(self))


@dataclass(frozen=True, slots=True)
class KillmailFilter:
    """Which killmails; all of it must hold.

    `character_id`, `corporation_id` and `alliance_id` name one participant, who stands on `side`; `side` alone is that
    of the viewer. `victim`, `attacker` and `participant` (either of the two) are further participants. ISK from
    `min_value` to `max_value` inclusive; the time (UTC) is at `since` or later, and before `until`.
    """

    character_id: int | None = None
    corporation_id: int | None = None
    side: Side | None = None
    alliance_id: int | None = None
    scope: Scope | None = None
    """The account's own killmails, or all that the viewer may see. None: all as soon as somebody is named."""
    victim: ParticipantFilter | None = None
    attacker: ParticipantFilter | None = None
    participant: ParticipantFilter | None = None
    solar_system_id: int | None = None
    constellation_id: int | None = None
    region_id: int | None = None
    security: frozenset[SecurityBand] | None = None
    min_value: Decimal | None = None
    max_value: Decimal | None = None
    since: datetime | None = None
    until: datetime | None = None
    min_attackers: int | None = None
    max_attackers: int | None = None
    solo: bool | None = None
    npc: bool | None = None
    awox: bool | None = None
    pod: bool | None = None
    """Whether a capsule was lost."""

    @property
    def named(self) -> ParticipantFilter:
        """The participant whose `side` is asked for."""
        return ParticipantFilter(self.character_id, self.corporation_id, self.alliance_id)

    def others(self) -> Iterator[tuple[Side | None, ParticipantFilter]]:
        """The further participants, each with its side."""
        sides: tuple[tuple[Side | None, ParticipantFilter | None], ...] = (
            ("VICTIM", self.victim),
            ("ATTACKER", self.attacker),
            (None, self.participant),
        )
        yield from ((side, one) for side, one in sides if one is not None and not one.is_empty)


EVERYTHING = KillmailFilter()


@dataclass(frozen=True, slots=True)
class Eyes:
    """By whom a killmail is seen: characters and corporations. Their ids never coincide (ESI docs, "ID ranges")."""

    characters: list[int]
    corporations: list[int]
    named: bool = False
    """They are those of the participant whom the filter names."""
    sight: Sight = "OWN"
    """What they see beside that. With ALL the ids say no more than whose side a killmail is told by."""

    @property
    def are_closed(self) -> bool:
        """They see nothing."""
        return self.sight == "OWN" and not (self.characters or self.corporations)


def eyes(viewer: Viewer, chosen: KillmailFilter, otherwise: Scope) -> Eyes:
    """By whom to look: the one of the viewer's that is named, else all of those in scope.

    Args:
        otherwise: the scope when the filter neither names anybody nor a scope.
    """
    named = chosen.named
    board = named.corporation_id if named.character_id is None and chosen.scope != "ACCOUNT" else None
    if board is not None and board in viewer.corporation_ids:
        return Eyes([], [board], named=True)
    scope = chosen.scope or (otherwise if named.is_empty and not viewer.is_stranger else "VISIBLE")
    pilots = viewer.character_ids if scope == "ACCOUNT" else (*viewer.character_ids, *viewer.other_ids)
    if named.character_id is not None and named.character_id in pilots:
        return Eyes([named.character_id], [], named=True)
    if scope == "ACCOUNT":
        return Eyes(sorted(set(pilots)), [])
    return Eyes(sorted(set(pilots)), sorted(set(viewer.corporation_ids)), sight=viewer.sight)
