"""What a request brings to say who asks: a browser the cookie of its session, a program an API key.

A request that brings an `Authorization` is judged by it alone: a cookie beside it counts for nothing, so that what
another site makes a browser send can never be helped by one.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection

from api.login.cookies import session_token
from api.login.credentials import Credentials, Way, bearer


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
