"""`AccountCharacter.killmails`: each character's own, read for all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from ariadne import ObjectType

from api.arguments import page_size
from api.caller import viewer_of
from api.compiled.reads import Answer
from api.graphql.execution import Info

account_character = ObjectType("AccountCharacter")
Row = dict[str, Any]


class AccountFeeds:
    """Shared by the rows of an account's characters: whichever is resolved first reads for all of them."""

    def __init__(self, character_ids: Collection[int]) -> None:
        self._character_ids = tuple(character_ids)
        self._reads: dict[tuple[int, ...], asyncio.Future[dict[int, Answer]]] = {}

    async def of(self, character_id: int, info: Info, first: int) -> Answer:
        """The `KillmailConnection` of one of them. Rows differ in their index in the list, so in `info.path` too; what
        is asked for is the same where it is the same words of the document."""
        asked = tuple(map(id, info.field_nodes))
        if asked not in self._reads:
            self._reads[asked] = asyncio.ensure_future(self._read(info, first))
        return (await self._reads[asked])[character_id]

    async def _read(self, info: Info, first: int) -> dict[int, Answer]:
        context = info.context
        assert context.caller is not None  # noqa: S101 - anonymous callers have no account
        viewer = viewer_of(context.services, context.caller)
        return await context.services.compiled.feeds_apart(info, viewer, self._character_ids, first)


@account_character.field("killmails")
async def resolve_killmails(parent: Row, info: Info, first: int | None = 10) -> Answer:
    size = page_size(first)
    feeds: AccountFeeds = parent["feeds"]
    return await feeds.of(int(parent["id"]), info, size)


BINDABLES = (account_character,)
