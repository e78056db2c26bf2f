"""What a client learns of a failure: what was meant for it, and nothing else.

Ariadne's and graphql-core's own formatters send the message of any exception to the client.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any

import asyncpg
from graphql import GraphQLError

log = logging.getLogger(__name__)
TOO_SLOW = "This took too long; request less at a time."


class Code(StrEnum):
    """`extensions.code` of an error."""

    BAD_REQUEST = "BAD_REQUEST"
    PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    TOO_COMPLEX = "TOO_COMPLEX"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    UNAVAILABLE = "SERVICE_UNAVAILABLE"
    TIMEOUT = "TIMEOUT"
    RATE_LIMITED = "RATE_LIMITED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    INTERNAL = "INTERNAL_SERVER_ERROR"


class Refused(GraphQLError):
    """An error we raise on purpose: its message is for the client."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message, extensions={"code": code})


def shown_error(error: GraphQLError, request_id: str, otherwise: Code = Code.BAD_USER_INPUT) -> dict[str, Any]:
    """The error as the client gets it. What we did not raise on purpose is logged in full and masked.

    Args:
        otherwise: the code of an error of graphql-core's own, which depends on the stage it came from.
    """
    original = error.original_error
    if isinstance(original, asyncpg.QueryCanceledError):
        error, original = _took_too_long(error), None
    if original is not None and not isinstance(original, GraphQLError):
        log.error("request %s failed at %s", request_id, error.path, exc_info=original)
        shown: dict[str, Any] = {
            "message": "Something went wrong on our side.",
            "extensions": {"code": Code.INTERNAL, "requestId": request_id},
        }
        if error.path:
            shown["path"] = error.path
        return shown
    shown = dict(error.formatted)
    shown["extensions"] = {"code": otherwise, **(error.extensions or {})}
    return shown


def _took_too_long(error: GraphQLError) -> GraphQLError:
    """Postgres ended the statement: what was asked for is too much at once."""
    return GraphQLError(
        TOO_SLOW,
        error.nodes,
        path=error.path,
        extensions={"code": Code.TIMEOUT},
    )


def internal_error(error: Exception, request_id: str) -> dict[str, Any]:
    """An exception that no field caught, logged and masked."""
    return shown_error(GraphQLError("", original_error=error), request_id)


def plain_error(code: Code, message: str) -> dict[str, Any]:
    """An error of ours that has no place in the document."""
    return {"message": message, "extensions": {"code": code}}
