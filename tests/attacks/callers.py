"""Who knocks: everyone whom the matrix lets ask for another's things, and what each brings to prove who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from db.accounts.sessions import Scope


class Caller(StrEnum):
    """Ada is the pilot whose things are asked for."""

    ANONYMOUS = "anonymous"
    ENDED_SESSION = "Ada's cookie after a logout"
    REVOKED_KEY = "Ada's key after it was revoked"
    OTHER_SITE = "Ada's browser, sent by another site"
    PILOT = "Ada"
    OTHER_PILOT = "another pilot"
    DIRECTOR = "director of a published board"
    MEMBER = "member of a published board"
    CLOSED_DIRECTOR = "director of a closed board"
    CLOSED_MEMBER = "member of a closed board"
    PRETENDER = "member who says to be a director of a closed board"
    OPERATOR = "operator"
    FORMER_OPERATOR = "operator whose permission ended"
    READ_KEY = "Ada's key with READ"
    SYNC_KEY = "Ada's key with SYNC"
    OTHERS_KEY = "another pilot's key with both scopes"


NOBODY = frozenset({Caller.ANONYMOUS, Caller.ENDED_SESSION})
KEY_SCOPES = {
    Caller.READ_KEY: frozenset({Scope.READ}),
    Caller.SYNC_KEY: frozenset({Scope.SYNC}),
    Caller.OTHERS_KEY: frozenset(Scope),
}
KEYS = frozenset({Caller.REVOKED_KEY, *KEY_SCOPES})
SIGNED_IN = frozenset(Caller) - NOBODY - KEYS - {Caller.OTHER_SITE}
ADA, THE_OPERATOR = frozenset({Caller.PILOT}), frozenset({Caller.OPERATOR})
DIRECTORS = frozenset({Caller.DIRECTOR})
BOARD = frozenset({Caller.DIRECTOR, Caller.MEMBER})
CLOSED = frozenset({Caller.CLOSED_DIRECTOR})


def person(caller: Caller) -> Caller:
    """Whose rights these are."""
    if caller in (Caller.READ_KEY, Caller.SYNC_KEY, Caller.OTHER_SITE):
        return Caller.PILOT
    return Caller.OTHER_PILOT if caller is Caller.OTHERS_KEY else caller


@dataclass(frozen=True, slots=True)
class Proof:
    """What goes along with each request."""

    cookies: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
