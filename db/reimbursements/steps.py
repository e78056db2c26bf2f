"""The states of a claim, and who may take it from which to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST_NOTE = 500


class State(StrEnum):
    """What became of a claim."""

    CLAIMED = "claimed"
    APPROVED = "approved"
    PAID = "paid"
    REFUSED = "refused"


class Role(StrEnum):
    """What somebody is to a loss: its pilot, or a confirmed director of the corporation it was lost in."""

    PILOT = "pilot"
    DIRECTOR = "director"


_ANY = frozenset(Role)
_DIRECTOR = frozenset({Role.DIRECTOR})
STEPS: Mapping[State | None, Mapping[State, frozenset[Role]]] = {
    None: {State.CLAIMED: _ANY},
    State.CLAIMED: {State.APPROVED: _DIRECTOR, State.REFUSED: _DIRECTOR},
    State.APPROVED: {State.PAID: _DIRECTOR, State.REFUSED: _DIRECTOR},
    State.PAID: {State.APPROVED: _DIRECTOR},  # marked by mistake
    State.REFUSED: {State.CLAIMED: _DIRECTOR},  # looked at again
}
"""Where a claim may go from each state. None: there is no claim."""


@dataclass(frozen=True, slots=True)
class Change:
    """A line of a claim's history. `before` None: it was made. `by_name` None: EVE's name for them is not known."""

    change_id: int
    number: int
    before: State | None
    after: State
    note: str
    by_character_id: int
    by_name: str | None
    role: Role
    changed_at: datetime


class NotYourLoss(Exception):
    """There is no such loss, or the account is neither its pilot nor directs the corporation it was lost in."""


class NobodyDecides(Exception):
    """No confirmed director of that corporation is here."""


class NoStep(Exception):
    """The claim cannot go there from where it is, or not by this account."""

    def __init__(self, before: State | None, after: State, role: Role) -> None:
        super().__init__(f"{before} to {after} by {role}")
        self.before = before
        self.after = after
        self.role = role


class Overtaken(Exception):
    """Somebody changed the claim since it was looked at; `last` is what they did."""

    def __init__(self, last: Change) -> None:
        super().__init__(f"change {last.number} came first")
        self.last = last


def next_states(state: State | None, roles: frozenset[Role]) -> list[State]:
    """Where somebody with these roles may take a claim."""
    return [after for after, allowed in STEPS[state].items() if allowed & roles]
