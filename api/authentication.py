"""Who asks: a browser by its session's cookie, or a program by an API key. The only two ways in.

A request that brings an `Authorization` is judged by it alone: a cookie beside it counts for nothing, so that what
another site makes a browser send can never be helped by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import asyncpg
from starlette.requests import HTTPConnection

from api.browser_cookies import session_token
from db.api_keys import FORM, caller_of_key
from db.sessions import Caller, caller_of


class BadCredentials(Exception):
    """There is an `Authorization`, and it opens nothing. The message is for the client."""

    def __init__(self) -> None:
        super().__init__("The API key is not valid: it is mistyped, or it was revoked.")


class Way(Enum):
    """How a caller proved who they are."""

    SESSION = "session"
    API_KEY = "api key"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who a caller is; kept by a socket, to ask again later."""

    way: Way
    secret: str = field(repr=False)

    async def caller(self, pool: asyncpg.Pool) -> Caller | None:
        """Who that is by now; None when it opens nothing any more."""
        return await (caller_of if self.way is Way.SESSION else caller_of_key)(pool, self.secret)


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
