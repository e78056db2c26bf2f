"""The address of a list of killmails here, as the filter of a webhook or a feed: the same killmails, or a refusal.

What the page of an address ignores is refused here: without it, more would be told than its owner asked for.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast
from urllib.parse import urlsplit

import asyncpg
from starlette.datastructures import QueryParams

from api.arguments import id_or_none
from api.orders.requests import Refusal
from api.site.feed_address import BANDS, SIDES, FeedAddress
from api.site.feed_filters import asked
from api.site.labels import isk_of
from api.site.period import Period
from db.killmails.about import killmails_about
from db.killmails.filter import EVERYTHING, KillmailFilter
from db.universe.profiles import ProfileKind

NO_LIST = Refusal(
    "BAD_USER_INPUT",
    "The filter is not the address of a list of killmails here, such as /?solo=1 or /systems/30000142. For all"
    " killmails, leave it empty.",
)
NO_FILTER = Refusal(
    "BAD_USER_INPUT", "Nothing in the address of the filter chooses among killmails, such as ?solo=1; leave it empty."
)
NO_AMOUNT = Refusal("BAD_USER_INPUT", "An amount of ISK is written as 250m, 1.5b or 1,000,000.")
_PROFILE = re.compile(r"/(character|corporation|alliance|system|type)s/([0-9]+)/?")
_NO_CHOICE = ("all", "sort", "after", "compare")
"""How a list is shown, and not which killmails are in it; a webhook or a feed says itself whose they are."""
_LONGEST_TOLD = 100


async def chosen_by(pool: asyncpg.Pool, address: str, side: str, least: str) -> KillmailFilter | Refusal:
    """The filter of a list's address (or its query string), with the side and the least value beside it."""
    chosen = await _filter_at(pool, address) if address else EVERYTHING
    if isinstance(chosen, Refusal):
        return chosen
    if side:
        chosen = replace(chosen, side=SIDES.get(side))
    if least:
        if (amount := isk_of(least)) is None:
            return NO_AMOUNT
        chosen = replace(chosen, min_value=max(amount, chosen.min_value or amount))
    return chosen


async def _filter_at(pool: asyncpg.Pool, address: str) -> KillmailFilter | Refusal:
    try:
        there = urlsplit(address)
    except ValueError:  # brackets that are no IPv6
        return NO_LIST
    path, query = there.path, there.query
    if "=" in path and not (query or there.netloc):
        path, query = "", path  # a query string without its question mark
    profile, given = _PROFILE.fullmatch(path), QueryParams(query)
    if profile is not None:
        return _of_profile(cast(ProfileKind, profile[1]), id_or_none(profile[2]), given)
    return await _of_front_page(pool, given) if path in ("", "/") else NO_LIST


def _of_profile(kind: ProfileKind, entity_id: int | None, given: QueryParams) -> KillmailFilter | Refusal:
    """As `api.site.profile_page` lists them."""
    if entity_id is None:
        return NO_LIST
    read = FeedAddress.of(given).but(character=None, corporation=None)
    if (refusal := _ignored(given, read)) is not None:
        return refusal
    chosen, period = killmails_about(kind, entity_id, read.filter()), Period.of(read.days)
    if period.calendar is not None:
        chosen = replace(chosen, since=period.since, until=period.until)
    return replace(chosen, scope=None)


async def _of_front_page(pool: asyncpg.Pool, given: QueryParams) -> KillmailFilter | Refusal:
    """As `api.site.feed_page` lists them."""
    wanted = await asked(pool, given)
    if wanted.unknown:
        return Refusal("BAD_USER_INPUT", " ".join(wanted.unknown))
    read = FeedAddress.whole(wanted.parameters)
    if (refusal := _ignored(given, read)) is not None:
        return refusal
    chosen = replace(read.filter(), scope=None)
    return NO_FILTER if chosen == EVERYTHING else chosen


def _ignored(given: QueryParams, read: FeedAddress) -> Refusal | None:
    """What its page would make nothing of."""
    understood = read.chosen()
    ignored = [
        f"“{name}={value}”"
        for name, value in given.multi_items()
        if value.strip()
        and name not in _NO_CHOICE
        and (name not in understood or (name == "sec" and not BANDS.keys() >= set(value.split(","))))
    ]
    if not ignored:
        return None
    told = " and ".join(one if len(one) <= _LONGEST_TOLD else f"{one[:_LONGEST_TOLD]}…”" for one in ignored)
    return Refusal("BAD_USER_INPUT", f"The list at this address ignores {told}; take that out of the filter.")
