"""What an answer of ESI other than a success means: status, headers and body to one of `eve/errors.py`.

Sources: ESI docs, "Rate limiting", "Error limit" and "Best practices"; bodies as old and new ESI send them.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from eve.answer import Answer
from eve.errors import (
    AccessTokenRejected,
    BadRequest,
    ErrorLimited,
    EveError,
    Forbidden,
    InvalidHash,
    MalformedBody,
    NotFound,
    NotInCorporation,
    RateLimited,
    RoleMissing,
    Unavailable,
)

MAX_WAIT_SECONDS = 3600
"""No Retry-After is believed beyond an hour."""
FALLBACK_WAIT_SECONDS = 60
"""Wait after a 429 that does not say how long: limiters inside the game server send no headers."""
ERROR_WINDOW_SECONDS = 60
"""Length of the legacy error limit's fixed window."""
_SECRET_LIKE = re.compile(r"(?!esi-)[A-Za-z0-9_\-+/=.]{32,}")


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


def parsed(answer: Answer) -> Any:
    """The JSON of a successful answer.

    Raises:
        Unavailable: it is not JSON: cut short on the way, or a web page of something before ESI.
    """
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise Unavailable("ESI's answer was cut short or is not JSON.") from None


def retry_after(answer: Answer, now: datetime) -> int | None:
    """Seconds to wait as the answer's Retry-After says (seconds or a date), within 1..3600; None without one."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return min(max(int(value), 1), MAX_WAIT_SECONDS)
    try:
        seconds = (parsedate_to_datetime(value) - now).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(int(seconds) + 1, 1), MAX_WAIT_SECONDS)


def error_limit_reset(answer: Answer) -> int:
    """Seconds until the legacy error limit's window ends, within 1..300; its full length if not said."""
    value = answer.headers.get("X-ESI-Error-Limit-Reset", "").strip() or answer.headers.get("Retry-After", "").strip()
    return min(max(int(value), 1), 300) if value.isdecimal() else ERROR_WINDOW_SECONDS


def is_html(answer: Answer) -> bool:
    """Whether this is a web page: then a proxy answered, and the status says nothing about ESI."""
    return "html" in answer.headers.get("Content-Type", "").lower() or answer.body.lstrip()[:1] == b"<"


def error_text(body: bytes) -> str:
    """What ESI says is wrong: its `error` or the start of the text, without anything that looks like a secret."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    said = document.get("error") if isinstance(document, dict) else body[:1000].decode("utf-8", "replace")
    return _SECRET_LIKE.sub("…", said).strip()[:200] if isinstance(said, str) else ""


def expect(condition: bool, what: str) -> None:
    """Raise `MalformedBody` with `what` unless the contract holds."""
    if not condition:
        raise MalformedBody(what)


def _forbidden(answer: Answer) -> EveError:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        document = None
    text = error_text(answer.body)
    if "expir" in text.lower():  # "token is expired", "token expiry is too far in the future"
        return AccessTokenRejected(_sentence("ESI did not accept the access token", answer))
    if isinstance(document, dict) and document.get("sso_status", 200) != 200:
        return Unavailable(_sentence("ESI could not check the access token", answer))
    said = _sentence("ESI refused", answer)
    if "required role" in text.lower():
        return RoleMissing(said)
    return NotInCorporation(said) if "not in the corporation" in text.lower() else Forbidden(said)


def _sentence(start: str, answer: Answer) -> str:
    text = error_text(answer.body) if not is_html(answer) else ""
    return f"{start} ({answer.status}): {text}" if text else f"{start} ({answer.status})."
