"""Resolvers of what has a page of its own: pilots, corporations, alliances, systems, types, and the account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from ariadne import ObjectType

from api.compiled.executor import Rendered
from api.graphql.arguments import MAX_PAGE, eve_id, killmail_filter, period, viewer
from api.graphql.connections import killmail_connection
from api.graphql.errors import Code, Refused
from api.graphql.execution import Info
from api.graphql.lookahead import selects
from db.killmails.filter import KillmailFilter, Order, ParticipantFilter
from db.killmails.statistics import SECTIONS, Subject, statistics
from db.universe.profiles import Kind, what, where, who

Row = dict[str, Any]


async def character(_: None, info: Info, id: str) -> Row | None:  # noqa: A002 - the schema's name
    return await _who(info, "character", id)


async def corporation(_: None, info: Info, id: str) -> Row | None:  # noqa: A002
    return await _who(info, "corporation", id)


async def alliance(_: None, info: Info, id: str) -> Row | None:  # noqa: A002
    return await _who(info, "alliance", id)


async def solar_system(_: None, info: Info, id: str) -> Row | None:  # noqa: A002
    system_id = eve_id(id)
    return None if info.context.caller is None else await where(info.context.services.pool, system_id)


async def type_(_: None, info: Info, id: str) -> Row | None:  # noqa: A002
    type_id = eve_id(id)
    return None if info.context.caller is None else await what(info.context.services.pool, type_id)


async def _who(info: Info, kind: Kind, entity_id: str) -> Row | None:
    wanted = eve_id(entity_id)
    return None if info.context.caller is None else await who(info.context.services.pool, kind, wanted)


def _of_character(chosen: KillmailFilter, character_id: int) -> KillmailFilter:
    return replace(chosen, character_id=_once(chosen.character_id, character_id, "characterId"))


def _of_corporation(chosen: KillmailFilter, corporation_id: int) -> KillmailFilter:
    return replace(chosen, corporation_id=_once(chosen.corporation_id, corporation_id, "corporationId"))


def _of_alliance(chosen: KillmailFilter, alliance_id: int) -> KillmailFilter:
    return replace(chosen, alliance_id=_once(chosen.alliance_id, alliance_id, "allianceId"))


def _of_solar_system(chosen: KillmailFilter, system_id: int) -> KillmailFilter:
    scope = chosen.scope or "VISIBLE"
    return replace(chosen, solar_system_id=_once(chosen.solar_system_id, system_id, "solarSystemId"), scope=scope)


def _of_type(chosen: KillmailFilter, type_id: int) -> KillmailFilter:
    """`side` is where the ship stands, unless somebody is named whose side it is."""
    scope = chosen.scope or "VISIBLE"
    if chosen.side is None or not chosen.named.is_empty:
        return replace(chosen, participant=_flying(chosen.participant, type_id), scope=scope)
    if chosen.side == "VICTIM":
        return replace(chosen, victim=_flying(chosen.victim, type_id), side=None, scope=scope)
    return replace(chosen, attacker=_flying(chosen.attacker, type_id), side=None, scope=scope)


def _flying(one: ParticipantFilter | None, type_id: int) -> ParticipantFilter:
    one = one or ParticipantFilter()
    return replace(one, ship_type_id=_once(one.ship_type_id, type_id, "shipTypeId"))


def _once(given: int | None, own: int, name: str) -> int:
    if given is not None:
        raise Refused(Code.BAD_USER_INPUT, f"`{name}` is already set by this field; leave it out of the filter.")
    return own


def _subject(**identity: int) -> Subject:
    return Subject(ParticipantFilter(**identity))


def _profile(
    name: str, narrowed: Callable[[KillmailFilter, int], KillmailFilter], subject: Callable[[int], Subject]
) -> ObjectType:
    kind = ObjectType(name)

    async def killmails(
        parent: Row,
        info: Info,
        first: int | None = 50,
        after: str | None = None,
        filter: Row | None = None,  # noqa: A002 - the schema's name
        orderBy: Order = "TIME",  # noqa: N803 - the schema's name
    ) -> Row | Rendered:
        chosen = narrowed(killmail_filter(filter), int(parent["id"]))
        return await killmail_connection(info, first, after, chosen, orderBy)

    async def told(parent: Row, info: Info, **arguments: Any) -> Row:
        return await _statistics(info, subject(int(parent["id"])), **arguments)

    kind.set_field("killmails", killmails)
    kind.set_field("statistics", told)
    return kind


async def account_statistics(_: Row, info: Info, **arguments: Any) -> Row:
    """Of the account whose `me` it is."""
    return await _statistics(info, Subject(), **arguments)


async def _statistics(
    info: Info, subject: Subject, since: datetime | None = None, until: datetime | None = None, top: int | None = 10
) -> Row:
    period(since, until)
    if top is None or not 1 <= top <= MAX_PAGE:
        raise Refused(Code.BAD_USER_INPUT, f"`top` must be between 1 and {MAX_PAGE}.")
    context = info.context
    assert context.caller is not None  # noqa: S101 - anonymous callers get no parent of this field
    sections = [name for name in SECTIONS if selects(info, name)]
    return await statistics(
        context.services.pool, viewer(context.caller), subject, since, until, top=top, sections=sections
    )


profiles = (
    _profile("CharacterProfile", _of_character, lambda one: _subject(character_id=one)),
    _profile("CorporationProfile", _of_corporation, lambda one: _subject(corporation_id=one)),
    _profile("AllianceProfile", _of_alliance, lambda one: _subject(alliance_id=one)),
    _profile("SolarSystemProfile", _of_solar_system, lambda one: Subject(solar_system_id=one)),
    _profile("TypeProfile", _of_type, lambda one: _subject(ship_type_id=one)),
)
me = ObjectType("Me")
me.set_field("statistics", account_statistics)
query = ObjectType("Query")
for field, resolver in (
    ("character", character),
    ("corporation", corporation),
    ("alliance", alliance),
    ("solarSystem", solar_system),
    ("type", type_),
):
    query.set_field(field, resolver)


BINDABLES = (query, me, *profiles)
