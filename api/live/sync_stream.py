"""How the syncs of the callers' characters stand, whenever that changes: the state as it is, not a history of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from api.live.members import Group, Groups, Member
from db.syncs.status import AccountCharacter, characters

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncWish:
    """What decides which states a member gets. `document`: its text, operation and variables."""

    document: tuple[str, str | None, bytes]
    account_id: int
    character_id: int | None
    """None: all of the account's."""


class SyncStream:
    """One per process. `check` is that of `KillmailStream`; what is rendered is an `AccountCharacter`."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        check: Callable[[Collection[Member]], Awaitable[list[Member]]],
        sync_interval_seconds: int,
    ) -> None:
        self._pool = pool
        self._check = check
        self._interval = sync_interval_seconds
        self._changed: set[int] = set()
        self.groups = Groups()

    def join(self, member: Member) -> None:
        """Let the member follow; it is sent the state as it is first."""
        self.groups.join(member)
        self._changed |= _characters_of(member)

    def note(self, character_ids: Collection[int]) -> None:
        """The sync of these characters may stand elsewhere."""
        self._changed |= set(character_ids)

    def note_all(self) -> None:
        """Events may have been lost: look at everyone who is followed."""
        for member in self.groups.members:
            self._changed |= _characters_of(member)

    async def read(self) -> None:
        """Send what changed to those who follow it; many changes in between are one.

        Raises:
            db.failures.DATABASE_FAILURES: Postgres does not answer; nothing is lost.
        """
        if not self._changed:
            return
        changed, self._changed = self._changed, set()
        concerned = [member for member in self.groups.members if not changed.isdisjoint(_characters_of(member))]
        if not concerned:
            return
        try:
            members = await self._check(concerned)
            wanted = changed & {one for member in members for one in _characters_of(member)}
            states = {one.character_id: one for one in await characters(self._pool, wanted, self._interval)}
        except BaseException:
            self._changed |= changed
            raise
        for group in {member.group for member in members if member.group is not None}:
            try:
                # Who joined meanwhile is not among them: it gets all of its characters the next time.
                await self._send_to(group, [member for member in members if member.group is group], states)
            except Exception:
                log.exception("the state of a sync could not be sent to the %d sockets of a group", len(group.members))
                for member in list(group.members):
                    member.follower.lose()

    async def _send_to(self, group: Group, members: Sequence[Member], states: Mapping[int, AccountCharacter]) -> None:
        if not members:
            return  # they left while others were sent theirs
        for character_id in sorted(_characters_of(members[0]) & states.keys()):
            payload = await members[0].render(states[character_id], members[0].caller)
            news = group.sent.get(character_id) != payload
            group.sent[character_id] = payload
            for member in members:
                if (news or member.fresh) and member.group is group:
                    member.send(payload)
        for member in members:
            member.fresh = False


def _characters_of(member: Member) -> set[int]:
    wish = member.wish
    assert isinstance(wish, SyncWish)  # noqa: S101 - of this stream
    ours = set(member.caller.listed_ids)  # that one was sold is told to who had it
    return ours if wish.character_id is None else ours & {wish.character_id}
