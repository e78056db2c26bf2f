"""Who follows a stream: an operation on a socket, and the groups of those who get the very same bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from api.caller import Credentials
from db.accounts.sessions import Caller
from db.killmails.filter import Viewer

Row = dict[str, Any]
Render = Callable[[Any, Caller], Awaitable[bytes]]
"""Makes the payload of a `next` message of what happened, for a caller and whoever may see the same."""


class Follower(Protocol):
    """A socket, as a stream sees it. None of these waits."""

    @property
    def credentials(self) -> Credentials:
        """What to ask again whether it may still follow."""

    def offer(self, identity: str, payload: bytes) -> None:
        """Send this to an operation; a socket too far behind is closed instead."""

    def end_session(self) -> None:
        """Close it: its session or key is no more."""

    def lose(self) -> None:
        """Close it: something could not be sent, and will be when it comes again with its cursor."""


@dataclass(eq=False, slots=True)
class Member:
    """One operation on one socket."""

    follower: Follower
    identity: str
    caller: Caller
    wish: Hashable
    """The document, its operation, variables: with what the caller may see, all that decides the bytes."""
    render: Render
    position: int = 0
    """Of killmails: the arrival up to which it has all."""
    fresh: bool = True
    """Of syncs: it has nothing yet."""
    group: Group | None = None

    def send(self, payload: bytes) -> None:
        self.follower.offer(self.identity, payload)

    def leave(self) -> None:
        """It follows nothing any more."""
        if self.group is not None:
            self.group.home.leave(self)

    def update(self, caller: Caller) -> None:
        """Its caller of now, who may see something else than when it joined."""
        if self.group is not None:
            self.group.home.update(self, caller)


@dataclass(eq=False, slots=True)
class Group:
    """Members for whom one rendering does: the same document, variables and permission."""

    key: Hashable
    home: Groups
    members: dict[Member, None] = field(default_factory=dict)  # in the order they came
    sent: dict[int, bytes] = field(default_factory=dict)
    """Of syncs: what was sent last of each character."""


class Groups:
    """The groups of one stream, by what their members have in common."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, Group] = {}

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self._groups.values()))

    def __bool__(self) -> bool:
        return bool(self._groups)

    @property
    def members(self) -> list[Member]:
        return [member for group in self._groups.values() for member in group.members]

    def join(self, member: Member) -> Group:
        """Put a member among its like."""
        key = (member.wish, _sees(member.caller))
        group = self._groups.setdefault(key, Group(key, self))
        group.members[member] = None
        member.group = group
        return group

    def leave(self, member: Member) -> None:
        """Forget a member, and its group with the last one."""
        group, member.group = member.group, None
        if group is not None:
            group.members.pop(member, None)
            if not group.members:
                self._groups.pop(group.key, None)

    def update(self, member: Member, caller: Caller) -> None:
        """The member's caller may see something else by now."""
        changed = _sees(caller) != _sees(member.caller)
        member.caller = caller
        if changed and member.group is not None:
            self.leave(member)
            self.join(member)


def _sees(caller: Caller) -> Viewer:
    """What a caller may see."""
    return caller.viewer(everything=False)
