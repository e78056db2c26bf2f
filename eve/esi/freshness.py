"""Until when ESI's cache holds a list of killmails: asking sooner is useless and forbidden.

ESI docs, "Best practices". Only lists are asked for again; a killmail's body never changes.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from eve.answer import Answer
from eve.responses import date_in

LONGEST = timedelta(minutes=10)
"""No freshness is believed beyond this. The lists are cached 300 s (ESI's OpenAPI document, `x-cache-age`); what is
cached by events instead may name a month and change tomorrow (developers' blog, "Smarter caching"). It is less than the
15 minutes of the usual interval, so that no usual look is left out."""
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})")


def fresh_until(answer: Answer, now: datetime) -> datetime | None:
    """When to ask again at the earliest, UTC by our clock; None when ESI does not say.

    Only differences between ESI's own times are used (max-age less Age; Expires less Date), so that a
    clock that is wrong, ours or theirs, does not shift it.
    """
    match = _MAX_AGE.search(answer.headers.get("Cache-Control", "").lower())
    if match:
        age = answer.headers.get("Age", "").strip()
        seconds = int(match[1]) - (int(age[:10]) if age.isdecimal() else 0)
        return now + _bounded(timedelta(seconds=seconds))
    expires, date = date_in(answer.headers.get("Expires", "")), date_in(answer.headers.get("Date", ""))
    if expires is None:
        return None
    return now + _bounded(expires - (date or now))


def _bounded(left: timedelta) -> timedelta:
    return min(max(left, timedelta(0)), LONGEST)
