"""The schema's scalars: how they are written, and what is taken from a client."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from ariadne import ScalarType
from graphql import GraphQLError

LARGEST_ISK = Decimal(10) ** 24
"""Far above all ISK there is; a number beyond it is a mistake."""
MOST_DECIMALS = 40
"""As a short `1E-9999999999` is gigabytes of digits wherever it is written out."""

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
            exponent = amount.as_tuple().exponent  # a letter for what is not finite
            if (
                isinstance(exponent, int)
                and -MOST_DECIMALS <= exponent <= LARGEST_ISK.adjusted()
                and amount.copy_abs() <= LARGEST_ISK
            ):
                return amount
    except InvalidOperation:
        pass
    raise GraphQLError(
        f"An amount of ISK must be a decimal number up to 10^{LARGEST_ISK.adjusted()}, with at most {MOST_DECIMALS}"
        ' decimals, preferably in a string: "1234567.80".'
    )


BINDABLES = (date_time, big_int, isk)
