"""A page of killmails as the templates show it: by day, with the links to what is older and to what else to choose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from api.compiled.reads import KillmailPage, Node
from api.compiled.selection import selected
from api.site.feed_address import WORTHS, FeedAddress

SHOWN = selected("""
query {
    id time side solo npc awox attackerCount value { total priceDate pricedKinds itemKinds }
    solarSystem { id name security wormholeClass region { name } }
    victim { ...Party }
    finalBlow { ...Party }
}
fragment Party on Victim {
    character { id name } corporation { id name ticker } alliance { id name ticker } faction { id name }
    ship { id name }
}
""")
"""What `_feed.html` shows of a killmail."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of EVE time and its killmails, newest first."""

    date: date
    killmails: list[Node]

    @property
    def heading(self) -> str:
        """Tuesday, 24 November 2026."""
        return f"{self.date:%A}, {self.date.day} {self.date:%B %Y}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that changes what is shown. `chosen`: it is what is shown now; the link then takes it back."""

    words: str
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ShownFeed:
    """What `_feed.html` needs. `newest`: this is the first page. `older`: the next one's address."""

    days: list[Day]
    newest: bool
    newest_address: str
    older: str | None
    fragment: str
    choices: list[Choice]
    filtered: bool
    unfiltered: str

    @property
    def mine(self) -> bool:
        """It is the front page's."""
        return self.newest_address.partition("?")[0] == "/"


def shown_feed(page: KillmailPage, address: FeedAddress, path: str, fragment: str) -> ShownFeed:
    """A page of the feed at `path`, whose list alone is at `fragment`."""
    first = address.but()
    older = first.but(after=page.cursors[-1]).at(path) if page.has_more else None
    return ShownFeed(
        days=by_day(page.killmails()),
        newest=address.after is None,
        newest_address=first.at(path),
        older=older,
        fragment=first.at(fragment),
        choices=quick_choices(first, path),
        filtered=first != first.unfiltered(),
        unfiltered=first.unfiltered().at(path),
    )


def by_day(killmails: Iterable[Node]) -> list[Day]:
    """Killmails in order, put under their days."""
    days = groupby(killmails, key=lambda killmail: str(killmail["time"])[:10])
    return [Day(date.fromisoformat(day), list(of_day)) for day, of_day in days]


def quick_choices(address: FeedAddress, path: str) -> list[Choice]:
    """The quick filters, each a link; pressing a chosen one again takes it back."""

    def choice(words: str, name: str, value: str) -> Choice:
        chosen = getattr(address, name) == value
        return Choice(words, address.but(**{name: None if chosen else value}).at(path), chosen)

    return [
        choice("Kills", "side", "kills"),
        choice("Losses", "side", "losses"),
        choice("Solo", "solo", "1"),
        *(choice(f"{worth}+", "worth", worth) for worth in WORTHS),
    ]
