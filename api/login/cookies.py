"""The two cookies: who is signed in, and which browser a login began in. Both opaque, HttpOnly, SameSite=Lax."""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.services import services_of
from api.site.chrome import remember_caller
from db.accounts.sessions import LOGIN_LIFETIME, SESSION_LIFETIME, Caller, caller_of
from settings import Settings

SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
"""What `db.accounts.sessions.new_secret` makes; anything else is not worth a query."""


def session_cookie_name(settings: Settings) -> str:
    """`__Host-` binds a cookie to exactly this host over https (RFC 6265bis, cookie name prefixes)."""
    return "__Host-killreport" if _secure(settings) else "killreport"


def login_cookie_name(settings: Settings) -> str:
    return "__Host-killreport-login" if _secure(settings) else "killreport-login"


def session_token(connection: HTTPConnection) -> str | None:
    """The session cookie's value, if it looks like one of ours."""
    return _secret(connection, session_cookie_name(services_of(connection).settings))


def login_browser(connection: HTTPConnection) -> str | None:
    """The secret of the browser a login began in."""
    return _secret(connection, login_cookie_name(services_of(connection).settings))


async def caller(connection: HTTPConnection) -> Caller | None:
    """Who is signed in; None for anonymous."""
    token = session_token(connection)
    who = None if token is None else await caller_of(services_of(connection).pool, token)
    remember_caller(connection, who)
    return who


def keep_session(response: Response, settings: Settings, token: str) -> None:
    _set(response, settings, session_cookie_name(settings), token, int(SESSION_LIFETIME.total_seconds()))


def keep_login_browser(response: Response, settings: Settings, browser: str) -> None:
    _set(response, settings, login_cookie_name(settings), browser, int(LOGIN_LIFETIME.total_seconds()))


def forget_session(response: Response, settings: Settings) -> None:
    _set(response, settings, session_cookie_name(settings), "", 0)


def _set(response: Response, settings: Settings, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=_secure(settings), httponly=True, samesite="lax")


def _secret(connection: HTTPConnection, name: str) -> str | None:
    value = connection.cookies.get(name, "")
    return value if SECRET.fullmatch(value) else None


def _secure(settings: Settings) -> bool:
    return settings.site_url.startswith("https://")
