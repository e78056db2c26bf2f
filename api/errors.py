"""What we refuse, and in which words a client learns of it: the codes that GraphQL, exports and pages share."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from graphql import GraphQLError

DATABASE_AWAY = "The database is not responding at the moment; try again in a few seconds."
RETRY_SECONDS = 5
"""`Retry-After` of an answer that had to do without Postgres."""
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


def plain_error(code: Code, message: str) -> dict[str, Any]:
    """An error of ours that has no place in the document."""
    return {"message": message, "extensions": {"code": code}}
