"""Every way a login can end without a pilot being signed in as they expected: what to say and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from api.pages import render
from eve.errors import (
    ClientRejected,
    Downtime,
    EveError,
    MalformedBody,
    RateLimited,
    SsoRefused,
    TokenRevoked,
    Unavailable,
    UntrustedAccessToken,
)

AGAIN = "/auth/login"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A page: one sentence on what happened, one on what to do, one button. `name` is for `login_events`."""

    name: str
    status: int
    title: str
    happened: str
    advice: str
    button: str = "Log in again"
    address: str = AGAIN


DENIED = Outcome(
    "denied",
    403,
    "Login cancelled",
    "You did not grant access at EVE Online, so nothing was stored.",
    "Log in again if you change your mind; you can revoke access at any time.",
)
STATE_UNKNOWN = Outcome(
    "state_unknown",
    400,
    "This login is no longer valid",
    "This login was already used, or it did not start here.",
    "Start a new login; each one works only once.",
)
STATE_EXPIRED = Outcome(
    "state_expired",
    400,
    "This login took too long",
    "More than ten minutes passed before EVE Online sent you back.",
    "Start a new login; it takes half a minute.",
)
OTHER_BROWSER = Outcome(
    "other_browser",
    403,
    "This login started elsewhere",
    "This login was started in another browser, or this browser did not keep our cookie.",
    "Log in from this browser, and allow cookies for this site.",
)
SSO_REFUSED = Outcome(
    "sso_refused",
    400,
    "EVE rejected the login",
    "EVE Online did not accept this login.",
    "Start a new login; if this happens again, tell the operator of this site.",
)
SSO_AWAY = Outcome(
    "sso_away",
    503,
    "EVE's login is not responding",
    "EVE Online's login service is not responding at the moment.",
    "Wait a minute or two and try again; the daily downtime is around 11:00 EVE time.",
    button="Try again",
)
NOT_VERIFIED = Outcome(
    "not_verified",
    403,
    "This login could not be verified",
    "What came back was not a valid EVE Online token for this site, so it was discarded.",
    "Start a new login from here; if this happens again, tell the operator of this site.",
)
MISCONFIGURED = Outcome(
    "misconfigured",
    500,
    "This site is not set up correctly",
    "EVE Online does not accept this site's client id and secret.",
    "Ask the operator to run `killreport doctor`; your character is not the problem.",
    button="Go to the front page",
    address="/",
)
NO_KILLMAIL_SCOPE = Outcome(
    "no_killmail_scope",
    403,
    "Access to killmails is missing",
    "EVE Online logged you in, but without access to your killmails, so nothing was stored.",
    "Log in again and keep the permission to read killmails.",
)
NO_REFRESH_TOKEN = Outcome(
    "no_refresh_token",
    403,
    "Access would end in twenty minutes",
    "EVE Online granted no lasting access, so your killmails could not be kept up to date and nothing was stored.",
    "Log in again; if this happens again, tell the operator of this site.",
)
OWNER_CHANGED = Outcome(
    "owner_changed",
    200,
    "Welcome, new owner",
    "This character used to belong to someone else here, whose account no longer includes it.",
    "There is nothing left to do: it is yours here now, and its killmails are being fetched.",
    button="Go to your killmails",
    address="/",
)
FOREIGN_REQUEST = Outcome(
    "foreign_request",
    403,
    "This came from another site",
    "Another site or a program made this request in your name, so it was refused.",
    "Use the button on this site.",
    button="Go to the front page",
    address="/",
)


def outcome_of(error: EveError) -> Outcome:
    """What a failure of EVE's SSO means for the person who logs in."""
    match error:
        case TokenRevoked() | SsoRefused():
            return SSO_REFUSED
        case Unavailable() | Downtime() | RateLimited():
            return SSO_AWAY
        case ClientRejected():
            return MISCONFIGURED
        case UntrustedAccessToken():
            return NOT_VERIFIED
        case MalformedBody():  # not a whole grant
            return NO_REFRESH_TOKEN
        case _:
            return NOT_VERIFIED


def outcome_page(request: Request, outcome: Outcome) -> Response:
    """The page. Its address holds EVE's code, so the next page must not be told where one came from."""
    response = render(
        request,
        "message.html",
        outcome.status,
        title=outcome.title,
        happened=outcome.happened,
        advice=outcome.advice,
        button=outcome.button,
        address=outcome.address,
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
