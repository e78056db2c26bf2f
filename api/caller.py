"""Who asks: what a request or socket brings to prove it, a session's cookie or an API key, and whose it is.

A request that brings an `Authorization` is judged by it alone: a cookie beside it counts for nothing, so that what
another site makes a browser send can never be helped by one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum

import asyncpg
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from api.services import Services, services_of
from db.accounts.admin_actions import operator_among
from db.accounts.api_keys import FORM, caller_of_key, callers_of_keys
from db.accounts.sessions import STRANGER, Caller, caller_of, callers_of
from db.killmails.filter import Viewer
from db.visibility import anything_is_public
from settings import Settings

SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
"""What `db.accounts.sessions.new_secret` makes; anything else is not worth a query."""


class BadCredentials(Exception):
    """There is an `Authorization`, and it opens nothing. The message is for the client."""

    def __init__(self) -> None:
        super().__init__("This API key is not valid: it may be mistyped or revoked.")


class Way(Enum):
    """How a caller proved who they are."""

    SESSION = "session"
    API_KEY = "api key"
    NONE = "not at all, where something is public"
    NONE_NEEDED = "not at all, on a public board"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who a caller is; kept by a socket, to ask again later."""

    way: Way
    secret: str = field(repr=False)

    async def caller(self, pool: asyncpg.Pool) -> Caller | None:
        """Who that is by now; None when it opens nothing any more."""
        match self.way:
            case Way.SESSION:
                return await caller_of(pool, self.secret)
            case Way.API_KEY:
                return await caller_of_key(pool, self.secret)
            case Way.NONE:
                return STRANGER if await anything_is_public(pool) else None
            case Way.NONE_NEEDED:
                return STRANGER


def credentials_of_strangers(settings: Settings) -> Credentials:
    """What a socket has whose owner is not logged in."""
    return Credentials(Way.NONE_NEEDED if settings.public_board else Way.NONE, "")


def bearer(authorization: str) -> Credentials:
    """The API key in the value of an `Authorization` (RFC 6750, 2.1).

    Raises:
        BadCredentials: it holds none.
    """
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not FORM.fullmatch(secret.strip()):
        raise BadCredentials
    return Credentials(Way.API_KEY, secret.strip())


async def caller_by(credentials: Credentials | None, pool: asyncpg.Pool) -> Caller | None:
    """Who asks; None for anonymous callers, and for a session that is over.

    Raises:
        BadCredentials: an API key that opens nothing.
    """
    if credentials is None:
        return None
    caller = await credentials.caller(pool)
    if caller is None and credentials.way is Way.API_KEY:
        raise BadCredentials
    return caller


async def callers_now(pool: asyncpg.Pool, credentials: Collection[Credentials]) -> dict[Credentials, Caller]:
    """Who these are by now, in three statements at most; those that open nothing any more are left out."""
    found: dict[Credentials, Caller] = {}
    for way, ask in ((Way.SESSION, callers_of), (Way.API_KEY, callers_of_keys)):
        secrets = {one.secret for one in credentials if one.way is way}
        if secrets:
            callers = await ask(pool, secrets)
            found |= {Credentials(way, secret): caller for secret, caller in callers.items()}
    for one in {one for one in credentials if one.way in (Way.NONE, Way.NONE_NEEDED)}:
        if (stranger := await one.caller(pool)) is not None:
            found[one] = stranger
    return found


def credentials_of(connection: HTTPConnection) -> Credentials | None:
    """What this request or socket brought; None when it brought nothing.

    Raises:
        BadCredentials: an `Authorization` that cannot be a key of ours.
    """
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        return bearer(authorization)
    token = session_token(connection)
    return None if token is None else Credentials(Way.SESSION, token)


async def caller(connection: HTTPConnection) -> Caller | None:
    """Who is signed in; None for anonymous. The database is asked, and waited for, once for a request."""
    if (failure := getattr(connection.state, "caller_failure", None)) is not None:
        raise failure
    if hasattr(connection.state, "caller"):
        return known_caller(connection)
    try:
        return await caller_by_now(connection)
    except Exception as error:
        connection.state.caller_failure = error
        raise


async def caller_by_now(connection: HTTPConnection) -> Caller | None:
    """The same, asked again: for a request that has waited for others meanwhile."""
    token = session_token(connection)
    who = None if token is None else await caller_of(services_of(connection).pool, token)
    connection.state.caller = who
    return who


async def signed_in(connection: HTTPConnection) -> Caller:
    """Who is signed in.

    Raises:
        HTTPException: 401, nobody is.
    """
    who = await caller(connection)
    if who is None:
        raise HTTPException(401)
    return who


def viewer_of(services: Services, who: Caller) -> Viewer:
    """What a caller may see."""
    return who.viewer(everything=services.settings.public_board)


async def viewer_or_stranger(services: Services, who: Caller | None) -> Viewer | None:
    """What somebody may see who is perhaps not logged in; None: nobody is, and nothing is public."""
    if who is not None:
        return viewer_of(services, who)
    stranger = await credentials_of_strangers(services.settings).caller(services.pool)
    return None if stranger is None else viewer_of(services, stranger)


async def visitor(connection: HTTPConnection) -> Viewer:
    """What the reader of a page may see, logged in or not.

    Raises:
        HTTPException: 401, nobody is logged in and nothing is public.
    """
    found = await viewer_or_stranger(services_of(connection), await caller(connection))
    if found is None:
        raise HTTPException(401)
    connection.state.indexed = found.is_stranger
    return found


async def operator_of(services: Services, who: Caller | None) -> int | None:
    """The caller's character that is an operator's (ADMIN_CHARACTER_IDS) and whose permission still stands; or None."""
    admins = services.settings.admin_character_ids
    if who is None or admins.isdisjoint(who.character_ids):
        return None
    return await operator_among(services.pool, who.account_id, admins)


def known_caller(connection: HTTPConnection) -> Caller | None:
    """Whom `caller` found for this request; None when nobody asked it."""
    who: Caller | None = getattr(connection.state, "caller", None)
    return who


def session_cookie_name(settings: Settings) -> str:
    """`__Host-` binds a cookie to exactly this host over https (RFC 6265bis, cookie name prefixes)."""
    return "__Host-killreport" if is_secure(settings) else "killreport"


def session_token(connection: HTTPConnection) -> str | None:
    """The session cookie's value, if it looks like one of ours."""
    return cookie_secret(connection, session_cookie_name(services_of(connection).settings))


def cookie_secret(connection: HTTPConnection, name: str) -> str | None:
    """The secret in a cookie of ours, if it looks like one."""
    value = connection.cookies.get(name, "")
    return value if SECRET.fullmatch(value) else None


def is_secure(settings: Settings) -> bool:
    """Whether the site is served over https."""
    return settings.site_url.startswith("https://")
