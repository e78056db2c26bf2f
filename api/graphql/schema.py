"""`schema.graphql` bound to its resolvers."""

from __future__ import annotations

from pathlib import Path

from ariadne import load_schema_from_path, make_executable_schema
from graphql import GraphQLSchema

from api.graphql.account import me as my_account
from api.graphql.account import mutation as account_mutation
from api.graphql.account_feeds import account_character
from api.graphql.added_killmails import added_killmails
from api.graphql.attacker_groups import killmail
from api.graphql.corporations import me
from api.graphql.fitting import killmail as fitting
from api.graphql.imports import import_mutations, import_queries
from api.graphql.mutations import mutation
from api.graphql.profiles import me as account
from api.graphql.profiles import profiles
from api.graphql.profiles import query as profile_query
from api.graphql.queries import query
from api.graphql.scalars import big_int, date_time, isk
from api.graphql.searching import query as search_query
from api.graphql.sync_health import query as health_query

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "schema.graphql"


def load_schema() -> GraphQLSchema:
    """The executable schema."""
    return make_executable_schema(
        load_schema_from_path(str(SCHEMA_FILE)),
        query,
        mutation,
        me,
        killmail,
        fitting,
        *(profile_query, search_query, health_query, account, *profiles),
        account_character,
        *(my_account, account_mutation),
        *(import_queries, import_mutations, added_killmails),
        *(date_time, big_int, isk),
    )
