"""Resolvers of the corporations an account follows, or could."""

from __future__ import annotations

from typing import Any

from ariadne import ObjectType

from api.graphql.execution import Info
from db.corporations.followed import ShownCorporation, account_corporations
from db.visibility import Visibility

me = ObjectType("Me")
Row = dict[str, Any]


@me.field("corporations")
async def resolve_corporations(parent: Row, info: Info) -> list[Row]:
    found = await account_corporations(info.context.services.pool, int(parent["id"]))
    return [corporation_row(corporation) for corporation in found]


def corporation_row(corporation: ShownCorporation) -> Row:
    """A `FollowedCorporation` of the schema."""
    return {
        "id": str(corporation.corporation_id),
        "name": corporation.name,
        "state": None if corporation.state is None else corporation.state.name,
        "message": corporation.message,
        "published": corporation.visibility is not Visibility.PRIVATE,
        "visibility": corporation.visibility.name,
        "lastKillmailSyncAt": corporation.last_killmail_sync_at,
        "directors": [
            {
                "character": {"id": str(one.character_id), "name": one.name},
                "standing": one.standing.name,
                "message": one.message,
            }
            for one in corporation.directors
        ],
    }


BINDABLES = (me,)
