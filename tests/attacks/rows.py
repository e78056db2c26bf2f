"""A row of the matrix: something that is asked for, and what becomes of it whoever asks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from db.accounts.sessions import Scope
from tests.attacks.callers import KEY_SCOPES, KEYS, NOBODY, Caller, person
from tests.attacks.world import Secret, World

SHOWN = "shown"
"""What was asked for is in the answer."""
DONE = "done"
"""The order was taken, or would have been if Temporal were there."""
OWN = "own data only"
"""An answer like anybody's, with nothing of another's in it."""
UNAUTHENTICATED = "unauthenticated"
FORBIDDEN = "forbidden"
NOT_FOUND = "not found"
REFUSED = "refused in words"
"""By a page that says that nothing was changed."""
TAKEN = frozenset({"SYNC_UNAVAILABLE", "NOT_RUNNING"})
"""Codes of what was allowed and could not be done: nobody listens where Temporal should be, no import runs."""

Target = Callable[[World], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Row(ABC):
    """`what` it is called, the `door` it goes through (a root field, or a route with its method), and who gets what.

    Args:
        allowed: the people who get it; everybody else who is signed in gets `others`, and whoever is not `nobody`.
        scope: which an API key needs; None: no key will do.
        keys: what one gets where keys count for nothing; None: they are refused for want of the scope.
        secret: whose words prove that it was shown.
        target: makes what is to be asked for anew in each cell, since it may be gone afterwards.
        gone: SQL that tells of the target whether it is gone, as it must be if it was allowed and only then.
        stays: SQL that tells of the target whether it is there, as it must be whoever asks.
        restore: mends the world after each cell.
        throw_away: what it does is done to the caller's own account, so each gets one for this.
        instead: what others get who are told something else.
        tells: words of a secret that the allowed may read, though the rest of it is not theirs.
    """

    what: str
    door: str
    allowed: frozenset[Caller] = frozenset()
    success: str = SHOWN
    others: str = NOT_FOUND
    nobody: str = UNAUTHENTICATED
    scope: Scope | None = None
    keys: str | None = None
    other_site: str = FORBIDDEN
    secret: Secret | None = None
    target: Target | None = None
    gone: str = ""
    stays: str = ""
    restore: Target | None = None
    throw_away: bool = False
    instead: Mapping[Caller, str] = field(default_factory=dict)
    tells: tuple[str, ...] = ()

    @property
    @abstractmethod
    def asked(self) -> str:
        """What the caller says, and so may be told again."""

    def expected(self, caller: Caller) -> str:
        """What becomes of it when this caller asks."""
        if caller in KEYS and self.keys is not None:
            return self.keys
        if caller is Caller.REVOKED_KEY:
            return UNAUTHENTICATED
        if caller in KEY_SCOPES and self.scope not in KEY_SCOPES[caller]:
            return FORBIDDEN
        if caller is Caller.OTHER_SITE and self.other_site != SHOWN:
            return self.other_site
        if caller in NOBODY:
            return self.nobody
        if person(caller) in self.allowed:
            return self.success
        return self.instead.get(person(caller), self.others)


@dataclass(frozen=True, kw_only=True)
class Operation(Row):
    """Of GraphQL. `arguments` are GraphQL's, with `{target}`; `selection` is everything if it is empty."""

    arguments: str = ""
    selection: str = ""

    @property
    def asked(self) -> str:
        return self.arguments


@dataclass(frozen=True, kw_only=True)
class Page(Row):
    """Of HTTP. `path` and the values of `form` may hold `{target}`; `body` is sent instead of a form."""

    path: str
    form: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    keys: str | None = UNAUTHENTICATED

    @property
    def asked(self) -> str:
        return self.path
