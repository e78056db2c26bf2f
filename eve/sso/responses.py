"""What a refusal of EVE SSO means.

Only `invalid_grant…` and `invalid_token…` say that a grant is dead; both have been seen with text behind
the code ("invalid_grant: Token is expired or invalid."), so prefixes are compared. Everything that may pass
by itself must never cost a pilot the login: 5XX, 429, web pages of something before the SSO.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson

from eve.answer import Answer
from eve.errors import BadRequest, ClientRejected, EveError, RateLimited, TokenRevoked, Unavailable
from eve.responses import FALLBACK_WAIT_SECONDS, is_html, retry_after

_DEAD = ("invalid_grant", "invalid_token")
_OURS = ("invalid_client", "unauthorized_client", "unsupported_grant_type")


def sso_failure(answer: Answer, now: datetime) -> EveError:
    """The error for an answer of the SSO that is not 200. `now` is UTC."""
    if answer.status == 429:
        wait = retry_after(answer, now)
        return RateLimited(now + timedelta(seconds=FALLBACK_WAIT_SECONDS if wait is None else wait), "sso")
    if answer.status >= 500 or answer.status == 408 or is_html(answer):
        return Unavailable(f"EVE SSO failed ({answer.status}).")
    code = _code(answer.body)
    if code.startswith(_DEAD):
        return TokenRevoked("EVE SSO does not accept this code or token any more.")
    if code.startswith(_OURS):
        return ClientRejected("EVE SSO does not accept this application: EVE_CLIENT_ID or EVE_CLIENT_SECRET is wrong.")
    known = code if code.replace("_", "").isalpha() and len(code) <= 40 else "no reason given"
    return BadRequest(f"EVE SSO refused the request ({answer.status}, {known}).")


def _code(body: bytes) -> str:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    code = document.get("error") if isinstance(document, dict) else None
    return code.strip() if isinstance(code, str) else ""
