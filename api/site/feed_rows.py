"""Rows of the list of killmails: drawn once, and used again for whoever is shown the same."""

from __future__ import annotations

from functools import lru_cache

import orjson
from jinja2 import pass_environment
from jinja2.environment import Environment
from markupsafe import Markup

from api.compiled.reads import Node
from api.pages import Chrome

KEPT = 2_000
"""Rows: some 5 MB of a process."""


@pass_environment
def feed_row(environment: Environment, killmail: Node, by_value: bool, chrome: Chrome) -> Markup:
    """The row of a killmail, as `feed_shown.SHOWN` has it: all that decides how it looks is in there and in these.

    Args:
        by_value: it stands among the most valuable, so its day is told.
    """
    text = orjson.dumps(killmail)
    if chrome.killmails != "/killmails":
        return _drawn(environment, text, by_value, chrome.images, chrome.killmails)  # a share link: kept nowhere
    return _kept(environment, text, by_value, chrome.images, chrome.killmails)


@lru_cache(KEPT)
def _kept(environment: Environment, text: bytes, by_value: bool, images: str, killmails: str) -> Markup:
    return _drawn(environment, text, by_value, images, killmails)


def _drawn(environment: Environment, text: bytes, by_value: bool, images: str, killmails: str) -> Markup:
    # Of the page around it a row knows these two addresses, and an unknown variable is an error.
    chrome = {"images": images, "killmails": killmails}
    template = environment.get_template("_feed_row.html")
    return Markup(template.render(killmail=orjson.loads(text), by_value=by_value, chrome=chrome).strip())  # noqa: S704
