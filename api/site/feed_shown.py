"""A page of killmails as the templates show it: by day, with the links to what is older and to what else to choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

import asyncpg

from api.compiled.reads import KillmailPage
from api.compiled.selection import selected
from api.site.feed_address import WORTHS, FeedAddress
from api.site.feed_rows import Row, row_of
from api.site.labels import short_isk
from contracts.plurals import counted
from db.killmails.day_totals import DayTotals, day_totals
from db.killmails.filter import KillmailFilter, Viewer

SHOWN = selected("""
query {
    id time side solo npc awox attackerCount value { total priceDate pricedKinds itemKinds }
    solarSystem { id name security wormholeClass region { name } }
    victim { ...Party }
    finalBlow { ...Party }
}
fragment Party on Victim {
    character { id name } corporation { id name ticker } alliance { id name ticker } faction { id name }
    ship { id name group { name } }
}
""")
"""What `_feed.html` shows of a killmail."""
KEPT = 1_000
"""Addresses whose links are kept: most readers are at few, and a link takes as long to write as a row to find."""


@dataclass(frozen=True, slots=True)
class Day:
    """A heading of the list with its rows. `key`: the day of EVE time, as it stands in the page's `data-day`."""

    key: str
    heading: str
    totals: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that changes what is shown. `chosen`: it is what is shown now; the link then takes it back."""

    words: str
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ShownFeed:
    """What `_feed.html` needs. `newest`: this is the first page. `by_time`: the newest killmail first, not the most
    valuable. `older`: the next page's address.
    """

    days: list[Day]
    newest: bool
    by_time: bool
    newest_address: str
    older: str | None
    fragment: str
    choices: tuple[Choice, ...]
    sorts: tuple[Choice, ...]
    filtered: bool
    unfiltered: str

    @property
    def follows(self) -> bool:
        """What is new belongs on top of it."""
        return self.newest and self.by_time

    @property
    def mine(self) -> bool:
        """It is the front page's."""
        return self.newest_address.partition("?")[0] == "/"


def shown_feed(
    page: KillmailPage,
    address: FeedAddress,
    path: str,
    fragment: str,
    totals: Mapping[str, DayTotals],
    *,
    has_sides: bool = True,
) -> ShownFeed:
    """A page of the feed at `path`, whose list alone is at `fragment`; `totals` are those of `cut_days`.

    `has_sides`: kills and losses can be told apart, so there is a choice between them.
    """
    first = address.but()
    older = first.but(after=page.cursors[-1]).at(path) if page.has_more else None
    rows = [*map(row_of, page.texts)]
    return ShownFeed(
        days=by_value(rows) if address.sort else by_day(rows, totals),
        newest=address.after is None,
        by_time=not address.sort,
        newest_address=first.at(path),
        older=older,
        fragment=first.at(fragment),
        choices=quick_choices(first, path, has_sides=has_sides),
        sorts=sorts(first, path),
        filtered=first != first.unfiltered(),
        unfiltered=first.unfiltered().at(path),
    )


async def cut_days(
    pool: asyncpg.Pool, viewer: Viewer, chosen: KillmailFilter, page: KillmailPage, address: FeedAddress
) -> dict[str, DayTotals]:
    """The totals of the days that may have more killmails than this page of the list shows: the first and the last."""
    if address.sort or not page.texts:
        return {}
    cut = {row_of(page.texts[-1]).day} if page.has_more else set()
    if address.after is not None:
        cut.add(row_of(page.texts[0]).day)
    return {day: await day_totals(pool, viewer, chosen, date.fromisoformat(day)) for day in cut}


def by_day(rows: list[Row], totals: Mapping[str, DayTotals]) -> list[Day]:
    """Killmails in order of time, put under their days."""
    days = [(day, [*of_day]) for day, of_day in groupby(rows, key=attrgetter("day"))]
    return [
        Day(
            day,
            _heading(date.fromisoformat(day)),
            _said(totals.get(day) or _sums(of_day), "kill" if of_day[0].side else "killmail"),
            of_day,
        )
        for day, of_day in days
    ]


def by_value(rows: list[Row]) -> list[Day]:
    """Killmails in order of value, under one heading."""
    return [Day("value", "Most valuable first", "", rows)] if rows else []


def _heading(day: date) -> str:
    """Tuesday, 24 November 2026."""
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _sums(rows: list[Row]) -> DayTotals:
    lost = [row.value for row in rows if row.side == "VICTIM"]
    destroyed = [row.value for row in rows if row.side != "VICTIM"]
    return DayTotals(len(destroyed), len(lost), sum(destroyed, Decimal(0)), sum(lost, Decimal(0)))


def _said(totals: DayTotals, won: str) -> str:
    """5 kills 3.20b · 2 losses 890m. `won`: what those are called that are no losses."""
    parts = [
        (totals.kills, counted(totals.kills, won), totals.destroyed),
        (totals.losses, counted(totals.losses, "loss"), totals.lost),
    ]
    return " · ".join(f"{words} {short_isk(str(isk))}" for count, words, isk in parts if count)


@lru_cache(KEPT)
def quick_choices(address: FeedAddress, path: str, *, has_sides: bool) -> tuple[Choice, ...]:
    """The quick filters, each a link; pressing a chosen one again takes it back."""

    def choice(words: str, name: str, value: str) -> Choice:
        chosen = getattr(address, name) == value
        return Choice(words, address.but(**{name: None if chosen else value}).at(path), chosen)

    return (
        *((choice("Kills", "side", "kills"), choice("Losses", "side", "losses")) if has_sides else ()),
        choice("Solo", "solo", "1"),
        *(choice(f"{worth}+", "worth", worth) for worth in WORTHS),
    )


@lru_cache(KEPT)
def sorts(address: FeedAddress, path: str) -> tuple[Choice, ...]:
    """The orders of the list, each a link."""
    orders = {None: "Newest", "value": "Most valuable"}
    return tuple(
        Choice(words, address.but(sort=order).at(path), address.sort == order) for order, words in orders.items()
    )
