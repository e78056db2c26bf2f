"""`AccountCharacter.killmails`: each character's own, read for all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from ariadne import ObjectType

from api.arguments import page_size
from api.graphql.connections import connection_row, counted, selects_of_node
from api.graphql.execution import Info
from db.killmails.feed import FeedPage
from db.killmails.of_characters import counts_apart, feeds_apart

account_character = ObjectType("AccountCharacter")
Row = dict[str, Any]
_Read = tuple[dict[int, FeedPage], dict[int, int] | None]


class AccountFeeds:
    """Shared by the rows of an account's characters: whichever is resolved first reads for all of them."""

    def __init__(self, character_ids: Collection[int]) -> None:
        self._character_ids = tuple(character_ids)
        self._reads: dict[object, asyncio.Future[_Read]] = {}

    async def of(self, character_id: int, info: Info, first: int) -> Row:
        """The `KillmailConnection` of one of them. Rows differ in their index in the list, so in `info.path` too."""
        alias = info.path.key
        if alias not in self._reads:
            self._reads[alias] = asyncio.ensure_future(self._read(info, first))
        pages, counts = await self._reads[alias]
        return connection_row(pages[character_id], None if counts is None else counts[character_id])

    async def _read(self, info: Info, first: int) -> _Read:
        context = info.context
        assert context.caller is not None  # noqa: S101 - anonymous callers have no account
        pages = await feeds_apart(
            context.services.pool,
            context.caller.viewer,
            self._character_ids,
            first,
            with_attackers=selects_of_node(info, "attackers") or selects_of_node(info, "attackerGroups"),
            with_items=selects_of_node(info, "items") or selects_of_node(info, "eft"),
            with_position=selects_of_node(info, "victim", "position"),
        )
        return pages, await counts_apart(context.services.pool, self._character_ids) if counted(info) else None


@account_character.field("killmails")
async def resolve_killmails(parent: Row, info: Info, first: int | None = 10) -> Row:
    size = page_size(first)
    character_id = int(parent["id"])
    feeds: AccountFeeds = parent["feeds"]
    return await feeds.of(character_id, info, size)


BINDABLES = (account_character,)
