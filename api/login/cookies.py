"""The two cookies: who is signed in, and which browser a login began in. Both opaque, HttpOnly, SameSite=Lax."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.caller import cookie_secret, is_secure, session_cookie_name
from api.services import services_of
from db.accounts.sessions import LOGIN_LIFETIME
from settings import Settings

SESSION_SECONDS = 400 * 86_400
"""As long as browsers keep any cookie (RFC 6265bis). The session itself ends in the database, 30 days after a visit."""


def login_cookie_name(settings: Settings) -> str:
    return "__Host-killreport-login" if is_secure(settings) else "killreport-login"


def login_browser(connection: HTTPConnection) -> str | None:
    """The secret of the browser a login began in."""
    return cookie_secret(connection, login_cookie_name(services_of(connection).settings))


def keep_session(response: Response, settings: Settings, token: str) -> None:
    _set(response, settings, session_cookie_name(settings), token, SESSION_SECONDS)


def keep_login_browser(response: Response, settings: Settings, browser: str) -> None:
    _set(response, settings, login_cookie_name(settings), browser, int(LOGIN_LIFETIME.total_seconds()))


def forget_session(response: Response, settings: Settings) -> None:
    _set(response, settings, session_cookie_name(settings), "", 0)


def _set(response: Response, settings: Settings, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=is_secure(settings), httponly=True, samesite="lax"
    )
