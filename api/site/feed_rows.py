"""Rows of the list of killmails: read and drawn once, and used again for whoever is shown the same."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import orjson
from jinja2 import pass_environment
from jinja2.environment import Environment
from markupsafe import Markup

from api.pages import Chrome
from db.killmails.filter import Side

KEPT = 2_000
"""Rows: some 5 MB of a process."""


@dataclass(frozen=True, slots=True)
class Row:
    """A killmail, whose JSON (`text`) is as `feed_shown.SHOWN` has it, and what its day's heading tells of it.

    `day`: of EVE time, as 2026-11-24. `value`: in ISK, 0 without one.
    """

    text: str
    day: str
    side: Side | None
    value: Decimal


@lru_cache(KEPT)
def row_of(text: str) -> Row:
    """The row of a killmail."""
    killmail = orjson.loads(text)
    value = killmail["value"]
    return Row(text, killmail["time"][:10], killmail["side"], Decimal(value["total"] if value else 0))


@pass_environment
def feed_row(environment: Environment, row: Row, by_value: bool, chrome: Chrome) -> Markup:
    """The row as it is shown: all that decides how it looks is in its text and in these.

    Args:
        by_value: it stands among the most valuable, so its day is told.
    """
    if chrome.killmails != "/killmails":
        return _drawn(environment, row.text, by_value, chrome.images, chrome.killmails)  # a share link: kept nowhere
    return _kept(environment, row.text, by_value, chrome.images, chrome.killmails)


@lru_cache(KEPT)
def _kept(environment: Environment, text: str, by_value: bool, images: str, killmails: str) -> Markup:
    return _drawn(environment, text, by_value, images, killmails)


def _drawn(environment: Environment, text: str, by_value: bool, images: str, killmails: str) -> Markup:
    # Of the page around it a row knows these two addresses, and an unknown variable is an error.
    chrome = {"images": images, "killmails": killmails}
    template = environment.get_template("_feed_row.html")
    return Markup(template.render(killmail=orjson.loads(text), by_value=by_value, chrome=chrome).strip())  # noqa: S704
