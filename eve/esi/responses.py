"""What an answer of ESI other than a success means: status, headers and body to one of `eve/errors.py`.

Sources: ESI docs, "Rate limiting", "Error limit" and "Best practices"; bodies as old and new ESI send them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson

from eve.answer import Answer
from eve.errors import (
    AccessTokenRejected,
    BadRequest,
    DoubtfulRefusal,
    ErrorLimited,
    EveError,
    Forbidden,
    InvalidHash,
    NotFound,
    NotInCorporation,
    RateLimited,
    RoleMissing,
    Unavailable,
)
from eve.responses import error_text, is_html, retry_after

FALLBACK_WAIT_SECONDS = 60
"""Wait after a 429 that does not say how long: limiters inside the game server send no headers."""
_SAYS_SSO_IS_AWAY = ("sso responded with", "looking for beginning of value", "unexpected end of json input")
"""What ESI says, with 403 and not always with `sso_status`, when SSO answered it with a web page or nothing
(esi-issues #324, #1055)."""
ERROR_WINDOW_SECONDS = 60
"""Length of the legacy error limit's fixed window."""


def failure(answer: Answer, now: datetime, *, authenticated: bool, group: str = "") -> EveError:
    """The error for an answer that is neither 200 nor an expected 304.

    `authenticated`: an access token was sent, so a 401 is about it. `now` is UTC.
    """
    status = answer.status
    if status == 420:
        return ErrorLimited(now + timedelta(seconds=error_limit_reset(answer)), "error limit")
    if status == 429:
        wait = retry_after(answer, now)
        return RateLimited(now + timedelta(seconds=FALLBACK_WAIT_SECONDS if wait is None else wait), group)
    if status >= 500 or status == 408:
        return Unavailable(_sentence("ESI failed", answer))
    if is_html(answer) and status == 403:
        return DoubtfulRefusal("Something before ESI answered 403 with a web page.")
    if is_html(answer):
        return Unavailable(f"Something before ESI answered {status} with a web page.")
    if status < 400:
        return BadRequest(f"ESI answered {status} instead of data; does its base URL point at ESI?")
    if status == 401 and authenticated:
        return AccessTokenRejected(_sentence("ESI did not accept the access token", answer))
    if status == 403:
        return _forbidden(answer)
    if status in (404, 410):
        return NotFound(_sentence("ESI knows no such thing", answer))
    if status == 422:
        return InvalidHash(_sentence("ESI did not accept the killmail's id and hash", answer))
    return BadRequest(_sentence("ESI did not accept the request", answer))


def error_limit_reset(answer: Answer) -> int:
    """Seconds until the legacy error limit's window ends, within 1..300; its full length if not said."""
    value = answer.headers.get("X-ESI-Error-Limit-Reset", "").strip() or answer.headers.get("Retry-After", "").strip()
    return min(max(int(value[:9]), 1), 300) if value.isdecimal() else ERROR_WINDOW_SECONDS


def _forbidden(answer: Answer) -> EveError:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        document = None
    text = error_text(answer.body)
    if "expir" in text.lower():  # "token is expired", "token expiry is too far in the future"
        return AccessTokenRejected(_sentence("ESI did not accept the access token", answer))
    outage = isinstance(document, dict) and document.get("sso_status", 200) != 200
    if outage or any(phrase in text.lower() for phrase in _SAYS_SSO_IS_AWAY):
        return DoubtfulRefusal(_sentence("ESI could not check the access token", answer))
    said = _sentence("ESI refused", answer)
    if "required role" in text.lower():
        return RoleMissing(said)
    return NotInCorporation(said) if "not in the corporation" in text.lower() else Forbidden(said)


def _sentence(start: str, answer: Answer) -> str:
    text = error_text(answer.body) if not is_html(answer) else ""
    return f"{start} ({answer.status}): {text}" if text else f"{start} ({answer.status})."
