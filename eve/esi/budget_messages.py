"""What `eve/esi/budget.py` tells the scripts in Redis, and what they answer: JSON, by `cjson` there and msgspec here.

Times are in milliseconds unless said otherwise.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """What became of a wish to call."""

    GRANTED = "granted"
    ERROR_LIMITED = "error-limited"  # every route waits for the error limit
    DOWNTIME = "downtime"  # every route waits, EVE is down
    PAUSED = "paused"  # this bucket or route waits, as ESI said
    SPENT = "spent"  # the bucket holds too little for this class
    PROBING = "probing"  # another call went first to find out what the bucket holds


class Wish(msgspec.Struct, frozen=True):
    """Told to RESERVE. `kept` in thousandths of the bucket, times in ms.

    `probe`: one call may have to go first. `elsewhere`: where this bucket has nothing left, one of the same kind may.
    """

    cost: int
    kept: int
    limit: int
    window: int
    probe: bool
    elsewhere: bool
    heed_downtime: bool
    name: str
    call_class: str


class Reserved(msgspec.Struct, frozen=True):
    """Answered by RESERVE: the reservation when it is granted, else how long to `wait` (ms) and the `window` (ms).

    `alone`: which call this is if it is the only one under way, else 0. `born` is in microseconds.
    """

    outcome: Outcome
    slot: int = 0
    born: int = 0
    cost: int = 0
    alone: int = 0
    wait: int = 0
    window: int = 0


class Account(msgspec.Struct, frozen=True):
    """Told to SETTLE: the reservation, what the call came to, and what is to happen after failures.

    `limit`, `window` and `remaining` are what the answer said, None where it did not; `believed_limit` and
    `believed_window` go in their place. `points`: 0 a success, None says nothing of EVE's health;
    of the `threshold` that makes the `pause` of everything, failures of one route are at most `most_of_a_route`.
    """

    name: str
    call_class: str
    slot: int
    born: int
    reserved: int
    alone: int
    actual: int
    answered: bool
    limit: int | None
    window: int | None
    remaining: int | None
    believed_limit: int
    believed_window: int
    pause: str
    points: int | None
    route: str
    most_of_a_route: int
    threshold: int
    first_pause: int
    longest_pause: int
    fixed_pause: int | None


class Stop(msgspec.Struct, frozen=True):
    """Told to PAUSE: for how long (ms) as ESI said, or (None) for ever longer, from `first` to `longest`."""

    name: str
    said: int | None
    first: int = 0
    longest: int = 0


class Left(msgspec.Struct, frozen=True):
    """Answered by SETTLE and PAUSE: milliseconds until the pause ends; 0: there is none."""

    wait: int


class Seen(msgspec.Struct, frozen=True):
    """Answered by LOOK for each bucket; `spent_by` class of work."""

    limit: int
    window: int
    spent_by: dict[str, int]


class RefusedLately(msgspec.Struct, frozen=True):
    """Told to REFUSED: who was refused now, and for how long (ms) that counts."""

    caller: str
    kept: int


class Refused(msgspec.Struct, frozen=True):
    """Answered by REFUSED: how many were refused within that time."""

    callers: int
