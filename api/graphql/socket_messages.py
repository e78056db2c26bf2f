"""The messages of `graphql-transport-ws` as strangers send them, and the codes a socket is closed with."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import orjson

from api.caller import BadCredentials, Credentials, bearer

MAX_MESSAGE = 65_536
"""Characters of one message."""


class CloseCode(IntEnum):
    """The protocol's own, and 1013 (IANA: try again later), after which clients connect again.

    Who is nobody, or nobody any more, gets 4401: the client `graphql-ws` gives up on it, but tries 4403 again.
    """

    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INIT_TIMEOUT = 4408
    SUBSCRIBER_ALREADY_EXISTS = 4409
    TOO_MANY_INITS = 4429


class Closing(Exception):
    """The socket must be closed, with this code and reason."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def presented_key(payload: object) -> Credentials | None:
    """The API key in the payload of `connection_init`: a browser's program cannot set a header on a socket.

    Raises:
        BadCredentials: it is none.
    """
    if not isinstance(payload, dict):
        return None
    said = next((value for name, value in payload.items() if str(name).lower() == "authorization"), None)
    if said is None:
        return None
    if not isinstance(said, str):
        raise BadCredentials
    return bearer(said)


def parsed(text: object) -> Mapping[str, Any]:
    """A message of the protocol.

    Raises:
        Closing: it is none.
    """
    if not isinstance(text, str):
        raise Closing(CloseCode.BAD_REQUEST, "Messages must be text")
    if len(text) > MAX_MESSAGE:
        raise Closing(CloseCode.BAD_REQUEST, f"A message may have at most {MAX_MESSAGE:,} characters")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Closing(CloseCode.BAD_REQUEST, "A message must be JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Closing(CloseCode.BAD_REQUEST, "A message must be an object with a `type`")
    return message


def identity_in(message: Mapping[str, Any]) -> str:
    """The id of the operation a message is about.

    Raises:
        Closing: it has none.
    """
    identity = message.get("id")
    if not isinstance(identity, str) or not identity:
        raise Closing(CloseCode.BAD_REQUEST, "This message needs an `id`")
    return identity
