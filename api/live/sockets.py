"""The sockets of a process, by account: so many at a time, and closed when what opened them is no more.

Whoever has not said yet who they are waits at the door, where there is not much room either.
"""

from __future__ import annotations

from collections import Counter

from api.live.members import Follower

MAX_SOCKETS = 20
"""Sockets of one account on one process at a time, or of one address whose people are not logged in."""
MAX_STRANGERS = 1_000
"""Sockets on one process of all who are not logged in."""
Place = int | str
"""An account, or of strangers their address (`Identity.name`)."""
MAX_AT_THE_DOOR, MAX_OF_AN_ADDRESS = 2_000, 100
"""Sockets of a process that have not said yet who they are: of everybody, and of one address (`Identity.name`)."""


class Sockets:
    """Those that are open and have said who they are."""

    def __init__(self) -> None:
        self._of_account: dict[Place, set[Follower]] = {}
        self._at_the_door: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(len(those) for those in self._of_account.values())

    def knock(self, address: str) -> bool:
        """A socket comes that has not said who it is; False if there are too many of those."""
        if self._at_the_door.total() >= MAX_AT_THE_DOOR or self._at_the_door[address] >= MAX_OF_AN_ADDRESS:
            return False
        self._at_the_door[address] += 1
        return True

    def left_the_door(self, address: str) -> None:
        """It has said so, or is gone."""
        self._at_the_door[address] -= 1
        if self._at_the_door[address] <= 0:
            del self._at_the_door[address]

    def join(self, place: Place, follower: Follower) -> bool:
        """Count a socket in; False if the account or the address has too many, or all strangers together have."""
        strangers = sum(len(those) for where, those in self._of_account.items() if isinstance(where, str))
        those = self._of_account.get(place, set())
        if len(those) >= MAX_SOCKETS or (isinstance(place, str) and strangers >= MAX_STRANGERS):
            return False
        self._of_account[place] = those
        those.add(follower)
        return True

    def leave(self, place: Place, follower: Follower) -> None:
        """It closed."""
        those = self._of_account.get(place, set())
        those.discard(follower)
        if not those:
            self._of_account.pop(place, None)

    def of(self, account_id: int) -> list[Follower]:
        """Those of an account."""
        return list(self._of_account.get(account_id, ()))

    def all(self) -> list[Follower]:
        """Everyone's."""
        return [follower for those in self._of_account.values() for follower in those]
