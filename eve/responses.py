"""What every service's answers have in common: how they say to wait, and what is wrong."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

import orjson

from eve.answer import Answer

MAX_WAIT_SECONDS = 3600
"""No Retry-After is believed beyond an hour."""
_SECRET_LIKE = re.compile(r"(?!esi-)[A-Za-z0-9_\-+/=.]{32,}")


def retry_after(answer: Answer, now: datetime) -> int | None:
    """Seconds to wait as the answer's Retry-After says (seconds or a date), within 1..3600; None without one."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return min(max(int(value[:9]), 1), MAX_WAIT_SECONDS)
    try:
        seconds = (parsedate_to_datetime(value) - now).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(int(seconds) + 1, 1), MAX_WAIT_SECONDS)


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
    """What a service says is wrong: its `error` or the start of the text, without anything that looks like a secret."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    said = document.get("error") if isinstance(document, dict) else body[:1000].decode("utf-8", "replace")
    return _SECRET_LIKE.sub("…", said).strip()[:200] if isinstance(said, str) else ""
