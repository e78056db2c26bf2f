"""What `Departure`, its activity and its callers say to each other.

Passed through the workflow sandbox: nothing but the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class LeavingCharacter:
    """Input of `Departure` and of `finish_departure`. What is to be done stands in the database."""

    character_id: int


def departure_id(character_id: int) -> str:
    """Workflow id of a character's `Departure`."""
    return f"departure-{character_id}"
