"""What a refusal of EVE SSO means.

Only `invalid_grant…` says that a grant is dead; it has been seen with text behind the code ("invalid_grant: Token is
expired or invalid."), so the beginning is compared. `invalid_client` alone is a matter for the operator. Everything
else may pass by itself, and must never cost a pilot the login.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from eve.answer import Answer
from eve.errors import ClientRejected, EveError, SsoLimited, SsoRefused, TokenRevoked, Unavailable
from eve.responses import is_html, retry_after

LIMITED_SECONDS = 5
"""Wait after a 429 that does not say how long."""


class _Refusal(msgspec.Struct, frozen=True):
    error: str = ""


def failure(answer: Answer, now: datetime) -> EveError:
    """The error for an answer of the SSO that is not 200. `now` is UTC."""
    if answer.status == 429:
        wait = retry_after(answer, now)
        return SsoLimited(now + timedelta(seconds=wait or LIMITED_SECONDS), bare=wait is None)
    if answer.status >= 500 or answer.status == 408 or is_html(answer):
        return Unavailable(f"EVE SSO failed ({answer.status}).")
    code = _code(answer.body)
    if code.startswith("invalid_grant"):
        return TokenRevoked("EVE SSO does not accept this code or token any more.")
    if code.startswith("invalid_client"):
        return ClientRejected("EVE SSO does not accept this application: EVE_CLIENT_ID or EVE_CLIENT_SECRET is wrong.")
    known = code if code.replace("_", "").isalpha() and len(code) <= 40 else "no reason given"
    return SsoRefused(f"EVE SSO refused the request ({answer.status}, {known}).")


def _code(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Refusal).error.strip()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
