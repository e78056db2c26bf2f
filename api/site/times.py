"""Times as pages tell them: in EVE time, which is UTC.

What `moment` makes has the reader's own time on hover, by the page's script.
"""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup


def eve_clock(moment: str | datetime) -> str:
    """The minute in EVE time, under a heading that says the day."""
    return eve_time(moment)[11:]


def eve_day(moment: str | datetime) -> str:
    """The day in EVE time."""
    return eve_time(moment)[:10]


def eve_time(moment: str | datetime) -> str:
    """Date and minute in EVE time, which is UTC."""
    instant = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{instant:%Y-%m-%d %H:%M}"


def moment(when: str | datetime) -> Markup:
    """Date and minute in EVE time; the page's script adds the reader's own time for who points at it."""
    instant = datetime.fromisoformat(when) if isinstance(when, str) else when
    return Markup('<time datetime="{}">{}</time>').format(instant.isoformat(timespec="seconds"), eve_time(instant))
