"""Resolvers of what has a page of its own: pilots, corporations, alliances, systems, types, and the account."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from ariadne import ObjectType

from api.arguments import MAX_PAGE, eve_id, killmail_filter, period
from api.compiled.executor import Rendered
from api.compiled.nodes import write_columns, write_rows
from api.compiled.reads import Answer
from api.compiled.selection import NotCompiled, selection_of
from api.errors import Code, Refused
from api.graphql.connections import NOBODY, killmail_connection
from api.graphql.execution import Info
from api.graphql.lookahead import selects
from db.killmails.about import NamedTwice, killmails_about, subject_of
from db.killmails.filter import KillmailFilter, Order
from db.killmails.shown import is_shown
from db.killmails.statistics import SECTIONS, Subject, statistics
from db.sums.days import Days
from db.universe.profiles import ProfileKind, profile_of

log = logging.getLogger(__name__)

Row = dict[str, Any]


def _killmails_about(kind: ProfileKind, entity_id: int, chosen: KillmailFilter) -> KillmailFilter:
    try:
        return killmails_about(kind, entity_id, chosen)
    except NamedTwice as twice:
        first, *rest = twice.field.split("_")
        name = first + "".join(word.title() for word in rest)
        raise Refused(
            Code.BAD_USER_INPUT, f"`{name}` is already set by this field; leave it out of the filter."
        ) from None


def _root(kind: ProfileKind) -> Callable[..., Awaitable[Row | None]]:
    async def profile(_: None, info: Info, id: str) -> Row | None:  # noqa: A002 - the schema's name
        entity_id = eve_id(id)
        pool, viewer = info.context.services.pool, await info.context.viewer()
        if viewer is None or (viewer.is_stranger and not await is_shown(pool, viewer, kind, entity_id)):
            return None
        return await profile_of(pool, kind, entity_id)

    return profile


def _profile(name: str, kind: ProfileKind) -> ObjectType:
    profile = ObjectType(name)

    async def killmails(
        parent: Row,
        info: Info,
        first: int | None = 50,
        after: str | None = None,
        filter: Row | None = None,  # noqa: A002 - the schema's name
        orderBy: Order | None = None,  # noqa: N803 - the schema's name
    ) -> Answer:
        chosen = _killmails_about(kind, int(parent["id"]), killmail_filter(filter))
        return await killmail_connection(info, first, after, chosen, orderBy)

    async def told(parent: Row, info: Info, **arguments: Any) -> Row:
        return await _statistics(info, subject_of(kind, int(parent["id"])), **arguments)

    profile.set_field("killmails", killmails)
    profile.set_field("statistics", told)
    return profile


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
    viewer = await context.viewer() or NOBODY
    sections = [name for name in SECTIONS if selects(info, name)]
    return await statistics(context.services.pool, viewer, subject, since, until, top=top, sections=sections)


def _rows(name: str) -> Callable[[Row, Info], Rendered | list[Row] | Days]:
    """Numbers and text alone, which nobody needs to complete: of a long history, thousands of days."""

    def rows(parent: Row, info: Info) -> Rendered | list[Row] | Days:
        told: list[Row] | Days = parent[name]
        try:
            selection = selection_of(info)
            if isinstance(told, Days):
                return Rendered(write_columns(selection, told.columns))
            return Rendered(write_rows(selection, told))
        except NotCompiled as reason:
            log.warning("graphql-core completes %s.%s: %s", info.parent_type.name, info.field_name, reason)
            return told

    return rows


profiles = (
    _profile("CharacterProfile", "character"),
    _profile("CorporationProfile", "corporation"),
    _profile("AllianceProfile", "alliance"),
    _profile("SolarSystemProfile", "system"),
    _profile("TypeProfile", "type"),
)
me = ObjectType("Me")
me.set_field("statistics", account_statistics)
statistics_told = ObjectType("Statistics")
statistics_told.set_field("activity", _rows("activity"))
statistics_told.set_field("daily", _rows("daily"))
query = ObjectType("Query")
query.set_field("character", _root("character"))
query.set_field("corporation", _root("corporation"))
query.set_field("alliance", _root("alliance"))
query.set_field("solarSystem", _root("system"))
query.set_field("type", _root("type"))

BINDABLES = (query, me, statistics_told, *profiles)
