"""What proves who a caller is: a session's cookie or an API key. The only two ways in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum

import asyncpg

from db.accounts.api_keys import FORM, caller_of_key, callers_of_keys
from db.accounts.sessions import Caller, caller_of, callers_of


class BadCredentials(Exception):
    """There is an `Authorization`, and it opens nothing. The message is for the client."""

    def __init__(self) -> None:
        super().__init__("This API key is not valid: it may be mistyped or revoked.")


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
    """Who these are by now, in two statements at most; those that open nothing any more are left out."""
    found: dict[Credentials, Caller] = {}
    for way, ask in ((Way.SESSION, callers_of), (Way.API_KEY, callers_of_keys)):
        secrets = {one.secret for one in credentials if one.way is way}
        if secrets:
            callers = await ask(pool, secrets)
            found |= {Credentials(way, secret): caller for secret, caller in callers.items()}
    return found
