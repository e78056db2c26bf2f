"""What a client learns of a failure: what was meant for it, and nothing else.

Ariadne's and graphql-core's own formatters send the message of any exception to the client.
"""

from __future__ import annotations

import logging
from typing import Any

import asyncpg
from graphql import GraphQLError

from api.errors import DATABASE_AWAY, TOO_SLOW, Code
from db.failures import database_is_away

log = logging.getLogger(__name__)


def shown_error(error: GraphQLError, request_id: str, otherwise: Code = Code.BAD_USER_INPUT) -> dict[str, Any]:
    """The error as the client gets it. What we did not raise on purpose is logged in full and masked.

    Args:
        otherwise: the code of an error of graphql-core's own, which depends on the stage it came from.
    """
    original = error.original_error
    if isinstance(original, asyncpg.QueryCanceledError):
        error, original = _restated(error, TOO_SLOW, Code.TIMEOUT), None  # ended by Postgres
    if database_is_away(original):
        log.warning("request %s: the database does not answer (%s)", request_id, type(original).__name__)
        error, original = _restated(error, DATABASE_AWAY, Code.UNAVAILABLE), None
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


def _restated(error: GraphQLError, message: str, code: Code) -> GraphQLError:
    return GraphQLError(message, error.nodes, path=error.path, extensions={"code": code})


def internal_error(error: Exception, request_id: str) -> dict[str, Any]:
    """An exception that no field caught, logged and masked."""
    return shown_error(GraphQLError("", original_error=error), request_id)
