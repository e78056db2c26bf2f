"""Pages from templates: escaped by default, an unknown variable is an error, and the words EVE players expect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages import THEMES
from api.site import battle_words
from api.site.charts import efficiency
from api.site.feed_rows import feed_row
from api.site.killmail_words import name_of, outcome, party
from api.site.labels import distance, exact_isk, flags, prices_of, pricing, short_isk, worth
from api.site.names import (
    company,
    entity,
    icon,
    isk,
    logo,
    place,
    portrait,
    security,
    sides,
    ticker,
    whom,
)
from api.site.points_of_interest import is_mutated
from api.site.static_files import static
from api.site.times import eve_clock, eve_day, eve_time, moment
from contracts.plurals import counted, kills_and_losses


class _Templates(Environment):
    """Looks into a dict before it asks for an attribute: nearly all that templates read is one of `db`'s nodes."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


TEMPLATES = _Templates(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,  # a release does not change under a running process
)
TEMPLATES.filters.update(
    named=name_of,
    party=party,
    outcome=outcome,
    eve_time=eve_time,
    eve_clock=eve_clock,
    eve_day=eve_day,
    moment=moment,
    battle_title=battle_words.title,
)
TEMPLATES.filters.update(counted=counted, kills_and_losses=kills_and_losses)
TEMPLATES.filters.update(
    short_isk=short_isk, exact_isk=exact_isk, pricing=pricing, prices_of=prices_of, flags=flags, worth=worth
)
TEMPLATES.globals.update(themes=THEMES, static=static)
TEMPLATES.globals.update(entity=entity, ticker=ticker, whom=whom, company=company, sides=sides, logo=logo)
TEMPLATES.globals.update(security=security, place=place, isk=isk, icon=icon, portrait=portrait)
TEMPLATES.filters.update(efficiency=efficiency, feed_row=feed_row, distance=distance)
TEMPLATES.tests["mutated"] = is_mutated
