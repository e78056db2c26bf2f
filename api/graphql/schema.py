"""`schema.graphql` bound to its resolvers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ariadne import ScalarType, load_schema_from_path, make_executable_schema
from graphql import GraphQLSchema

from api.graphql.attacker_groups import killmail
from api.graphql.corporations import me
from api.graphql.mutations import mutation
from api.graphql.queries import query
from api.graphql.subscriptions import subscription

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "schema.graphql"
date_time = ScalarType("DateTime")
big_int = ScalarType("BigInt")


@date_time.serializer
def serialize_date_time(value: str | datetime) -> str:
    """RFC 3339 in UTC; rows of `db.killmails` hold it as text already."""
    if isinstance(value, str):
        return value
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@big_int.serializer
def serialize_big_int(value: int) -> int:
    return value


def load_schema() -> GraphQLSchema:
    """The executable schema."""
    return make_executable_schema(
        load_schema_from_path(str(SCHEMA_FILE)), query, mutation, subscription, me, killmail, date_time, big_int
    )
