"""The killmails of whoever or whatever has a page of its own: a pilot, a corporation, an alliance, a system, a type."""

from __future__ import annotations

from dataclasses import replace

from db.killmails.filter import KillmailFilter, ParticipantFilter
from db.killmails.statistics import Subject
from db.universe.profiles import ProfileKind


class NamedTwice(Exception):
    """The filter already names one of this kind. `field`: as `KillmailFilter` and `ParticipantFilter` call it."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def killmails_about(kind: ProfileKind, entity_id: int, chosen: KillmailFilter) -> KillmailFilter:
    """Of the chosen killmails those with this entity on them; of systems and types all that the viewer may see.

    `side` is where the entity stands; with a type it is where the ship stands, unless somebody is named whose side
    it is.

    Raises:
        NamedTwice: the filter names another of the same kind.
    """
    match kind:
        case "character":
            return replace(chosen, character_id=_only(chosen.character_id, entity_id, "character_id"))
        case "corporation":
            return replace(chosen, corporation_id=_only(chosen.corporation_id, entity_id, "corporation_id"))
        case "alliance":
            return replace(chosen, alliance_id=_only(chosen.alliance_id, entity_id, "alliance_id"))
    chosen = replace(chosen, scope=chosen.scope or "VISIBLE")
    if kind == "system":
        return replace(chosen, solar_system_id=_only(chosen.solar_system_id, entity_id, "solar_system_id"))
    if chosen.side is None or not chosen.named.is_empty:
        return replace(chosen, participant=_flying(chosen.participant, entity_id))
    if chosen.side == "VICTIM":
        return replace(chosen, victim=_flying(chosen.victim, entity_id), side=None)
    return replace(chosen, attacker=_flying(chosen.attacker, entity_id), side=None)


def subject_of(kind: ProfileKind, entity_id: int) -> Subject:
    """Whose statistics a profile shows."""
    match kind:
        case "character":
            return Subject(ParticipantFilter(character_id=entity_id))
        case "corporation":
            return Subject(ParticipantFilter(corporation_id=entity_id))
        case "alliance":
            return Subject(ParticipantFilter(alliance_id=entity_id))
        case "system":
            return Subject(solar_system_id=entity_id)
        case "type":
            return Subject(ParticipantFilter(ship_type_id=entity_id))


def _flying(one: ParticipantFilter | None, type_id: int) -> ParticipantFilter:
    one = one or ParticipantFilter()
    return replace(one, ship_type_id=_only(one.ship_type_id, type_id, "ship_type_id"))


def _only(named: int | None, own: int, field: str) -> int:
    if named is not None:
        raise NamedTwice(field)
    return own
