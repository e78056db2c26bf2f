"""What every service's answers have in common: how they say to wait, and what is wrong."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

import orjson

from eve.answer import Answer
from eve.errors import BadRequest, Forbidden, Unavailable

MAX_WAIT_SECONDS = 3600
"""No Retry-After is believed beyond an hour."""
_ETAG = re.compile(r"[!-~]{1,500}")
_SECRET_LIKE = re.compile(r"(?!esi-)[A-Za-z0-9_\-+/=.]{32,}")


def retry_after(answer: Answer, now: datetime) -> int | None:
    """Seconds to wait as the answer's Retry-After says (seconds or a date), within 1..3600; None without one."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return min(max(int(value[:9]), 1), MAX_WAIT_SECONDS)
    until = date_in(value)
    return None if until is None else min(max(int((until - now).total_seconds()) + 1, 1), MAX_WAIT_SECONDS)


def status_failure(status: int, service: str, setting: str = "") -> Unavailable | Forbidden | BadRequest:
    """What a status other than those that `service` uses to tell something means.

    Args:
        service: begins a sentence.
        setting: the variable that holds the service's address; "": it can hardly be wrong.
    """
    if status >= 500 or status in (408, 429):
        return Unavailable(f"{service} is overloaded or away ({status}).")
    if status in (401, 403):
        return Forbidden(f"{service} does not let this installation in ({status}).")
    doubt = f"; does {setting} point at it?" if setting else "."
    return BadRequest(f"{service} did not accept the request ({status}){doubt}")


def date_in(header: str) -> datetime | None:
    """The time in a header, with its zone; None where it holds none, or one beyond any calendar."""
    try:
        time = parsedate_to_datetime(header)
    except (TypeError, ValueError, OverflowError):
        return None
    return time if time.tzinfo else None


def etag_in(answer: Answer) -> str:
    """The answer's ETag, to be kept and sent back; "" without one, or with one that cannot be (RFC 9110, 8.8.3)."""
    etag = answer.headers.get("ETag", "")
    return etag if _ETAG.fullmatch(etag) else ""


def is_html(answer: Answer) -> bool:
    """Whether this is a web page: then a proxy answered, and the status says nothing about the service."""
    return "html" in answer.headers.get("Content-Type", "").lower() or answer.body.lstrip()[:1] == b"<"


def is_error_document(body: bytes) -> bool:
    """Whether this is an object that says what went wrong (`error`), whatever its status said."""
    if len(body) > 10_000 or body.lstrip()[:1] != b"{":
        return False
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(document, dict) and isinstance(document.get("error"), str)


def error_text(body: bytes) -> str:
    """What a service says is wrong: its `error` or the start of the text, on one line.

    Without anything that looks like a secret, and without control characters: it goes into logs and into Postgres,
    which keeps no NUL.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    said = document.get("error") if isinstance(document, dict) else body[:1000].decode("utf-8", "replace")
    if not isinstance(said, str):
        return ""
    printable = "".join(letter if letter.isprintable() else " " for letter in said[:1000])
    return _SECRET_LIKE.sub("…", printable).strip()[:200]
