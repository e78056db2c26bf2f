"""What a killmail's page tells of the killmail itself: drawn once, and used again for whoever is shown the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import orjson
from jinja2.environment import Environment
from markupsafe import Markup

from api.compiled.reads import Node
from api.site.attackers import shown_attackers
from api.site.fit import shown_fit
from api.site.fit_ring import fit_ring
from api.site.killmail_words import sentence, title
from api.site.multibuy import multibuy
from api.site.points_of_interest import points_of_interest
from api.site.slots import racks_of_slots

LINES_SHOWN = 120
"""Lines of the fit, so that a freighter's or a structure's holds do not make the page slow."""
ALL_LINES = 100_000
KEPT = 200
"""Stories: some 6 MB of a process, and not above 30, for there is `LARGEST`."""
LARGEST = 32_000
"""Letters of a killmail's JSON. Larger ones, of great battles, are drawn anew each time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a killmail is to be shown. `attackers`: the page of them, as in the address; `images`: EVE's server;
    `killmails`: where the pages of killmails are for whoever looks."""

    all_lines: bool
    attackers: str | None
    images: str
    killmails: str


@dataclass(frozen=True, slots=True)
class Story:
    """`facts`: with the ring of the fit, if there is one; `lines`: attackers and items. The rest is said around them.

    `has_fit`: something was fitted.
    """

    title: str
    sentence: str
    points: list[tuple[str, str]]
    multibuy: str | None
    has_ring: bool
    has_fit: bool
    facts: Markup
    lines: Markup


def story_of(environment: Environment, text: str, asked: Asked) -> Story:
    """The story of a killmail: all that decides how it looks is in its JSON, as `killmail_page.SHOWN` has it.

    Args:
        text: that JSON.
    """
    return (_kept if len(text) <= LARGEST else _of_text)(environment, text, asked)


def draw_story(environment: Environment, killmail: Node, asked: Asked) -> Story:
    """The same of one that is kept nowhere: a share link's."""
    racks = racks_of_slots(killmail["items"], killmail["slots"])
    ring = fit_ring(racks)
    told = {
        "killmail": killmail,
        "ring": ring,
        "attackers": shown_attackers(killmail, asked.attackers),
        "fit": shown_fit(killmail, racks, ALL_LINES if asked.all_lines else LINES_SHOWN),
        "asked": asked,
        # Of the page around it a story knows these addresses, and an unknown variable is an error.
        "chrome": {"images": asked.images, "killmails": asked.killmails},
    }

    def drawn(template: str) -> Markup:
        return Markup(environment.get_template(template).render(told))  # noqa: S704 - made by a template

    return Story(
        title=title(killmail),
        sentence=sentence(killmail),
        points=points_of_interest(killmail),
        multibuy=multibuy(killmail),
        has_ring=ring is not None,
        has_fit=ring is not None and ring.holds_something,
        facts=drawn("_killmail_story_facts.html"),
        lines=drawn("_killmail_story_lines.html"),
    )


def _of_text(environment: Environment, text: str, asked: Asked) -> Story:
    return draw_story(environment, orjson.loads(text), asked)


_kept = lru_cache(KEPT)(_of_text)
