"""`schema.graphql` bound to its resolvers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ariadne import make_executable_schema
from graphql import GraphQLSchema

from api.graphql import (
    account,
    account_feeds,
    added_killmails,
    battles,
    corporations,
    history,
    imports,
    killmail_feeds,
    mutations,
    profiles,
    queries,
    reimbursements,
    scalars,
    searching,
    sharing,
    sync_health,
    webhooks,
)

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")
"""A link to the one at the top of the project; a wheel holds the file itself here."""
MODULES = (
    account,
    account_feeds,
    added_killmails,
    battles,
    corporations,
    history,
    imports,
    killmail_feeds,
    mutations,
    profiles,
    queries,
    reimbursements,
    scalars,
    searching,
    sharing,
    sync_health,
    webhooks,
)


@cache
def load_schema() -> GraphQLSchema:
    """The executable schema: what each module of resolvers binds is its `BINDABLES`."""
    bindables = [bindable for module in MODULES for bindable in module.BINDABLES]
    return make_executable_schema(SCHEMA_FILE.read_text(), *bindables)
