"""The schema's scalars: how they are written, and what is taken from a client."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from ariadne import ScalarType
from graphql import GraphQLError

LARGEST_ISK = Decimal(10) ** 24
"""Far above all ISK there is; a number beyond it is a mistake."""

date_time = ScalarType("DateTime")
big_int = ScalarType("BigInt")
isk = ScalarType("ISK")


@date_time.serializer
def serialize_date_time(value: str | datetime) -> str:
    """RFC 3339 in UTC; rows of `db.killmails` hold it as text already."""
    if isinstance(value, str):
        return value
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@date_time.value_parser
def parse_date_time(value: object) -> datetime:
    """An instant with its zone.

    Raises:
        GraphQLError: it is not one.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError("A DateTime must look like 2026-11-23T18:04:05Z, with a time zone.")


@big_int.serializer
def serialize_big_int(value: int) -> int:
    return value


@isk.value_parser
def parse_isk(value: object) -> Decimal:
    """An amount of ISK, exact when it comes as a string.

    Raises:
        GraphQLError: it is not one.
    """
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            amount = Decimal(str(value))
            if amount.is_finite() and abs(amount) <= LARGEST_ISK:
                return amount
    except InvalidOperation:
        pass
    raise GraphQLError('An amount of ISK must be a decimal number, preferably in a string: "1234567.80".')


BINDABLES = (date_time, big_int, isk)
