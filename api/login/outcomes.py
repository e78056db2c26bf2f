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
    "You did not give the permission at EVE Online, so nothing was stored.",
    "Log in again if you change your mind; the permission can be taken back at any time.",
)
STATE_UNKNOWN = Outcome(
    "state_unknown",
    400,
    "This login is over",
    "This login was already used, or it did not begin here.",
    "Begin a new one; a login works once.",
)
STATE_EXPIRED = Outcome(
    "state_expired",
    400,
    "This login took too long",
    "More than ten minutes passed between the click on the button and EVE's answer.",
    "Begin a new one; it takes half a minute.",
)
OTHER_BROWSER = Outcome(
    "other_browser",
    403,
    "This login began elsewhere",
    "This login was begun in another browser, or this browser did not keep our cookie.",
    "Log in from this browser, with cookies of this site allowed.",
)
SSO_REFUSED = Outcome(
    "sso_refused",
    400,
    "EVE did not take the login",
    "EVE Online did not accept this login.",
    "Begin a new one; if it happens again, tell the operator of this site.",
)
SSO_AWAY = Outcome(
    "sso_away",
    503,
    "EVE's login does not answer",
    "EVE Online's login service does not answer at the moment.",
    "Wait a minute or two and try again; around 11:00 EVE time it is the daily downtime.",
    button="Try again",
)
NOT_VERIFIED = Outcome(
    "not_verified",
    403,
    "This login could not be verified",
    "What came back is not a valid token of EVE Online for this site, so it was thrown away.",
    "Begin a new login from here; if it happens again, tell the operator of this site.",
)
MISCONFIGURED = Outcome(
    "misconfigured",
    500,
    "This site is not set up right",
    "EVE Online does not know this site under the name and secret it gave.",
    "Tell the operator to run `killreport doctor`; your character is not at fault.",
    button="Go to the front page",
    address="/",
)
NO_KILLMAIL_SCOPE = Outcome(
    "no_killmail_scope",
    403,
    "The permission is missing",
    "EVE Online signed you in, but without the permission to read your killmails, so nothing was stored.",
    "Log in again and leave the permission for killmails in place.",
)
NO_REFRESH_TOKEN = Outcome(
    "no_refresh_token",
    403,
    "The permission would end in twenty minutes",
    "EVE Online gave no lasting permission, so your killmails could not be kept up to date and nothing was stored.",
    "Log in again; if it happens again, tell the operator of this site.",
)
OWNER_CHANGED = Outcome(
    "owner_changed",
    200,
    "Welcome, new owner",
    "This character was known here under another owner, whose permission and account no longer apply to it.",
    "Nothing more to do: it is yours here now, and its killmails are being fetched.",
    button="Go to your killmails",
    address="/",
)
FOREIGN_REQUEST = Outcome(
    "foreign_request",
    403,
    "This came from another site",
    "Another site, or a program, asked for this in your name, so it was refused.",
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
