"""The sockets of a process, by account: so many at a time, and closed when what opened them is no more."""

from __future__ import annotations

from api.live.members import Follower

MAX_SOCKETS = 20
"""Sockets of one account on one process at a time."""


class Sockets:
    """Those that are open and have said who they are."""

    def __init__(self) -> None:
        self._of_account: dict[int, set[Follower]] = {}

    def __len__(self) -> int:
        return sum(len(those) for those in self._of_account.values())

    def join(self, account_id: int, follower: Follower) -> bool:
        """Count a socket in; False if the account has too many."""
        those = self._of_account.setdefault(account_id, set())
        if len(those) >= MAX_SOCKETS:
            return False
        those.add(follower)
        return True

    def leave(self, account_id: int, follower: Follower) -> None:
        """It closed."""
        those = self._of_account.get(account_id, set())
        those.discard(follower)
        if not those:
            self._of_account.pop(account_id, None)

    def of(self, account_id: int) -> list[Follower]:
        """Those of an account."""
        return list(self._of_account.get(account_id, ()))

    def all(self) -> list[Follower]:
        """Everyone's."""
        return [follower for those in self._of_account.values() for follower in those]
