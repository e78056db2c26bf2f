"""Whose killmails are synced: a character's own, or those of a corporation.

Their ids never coincide (ESI docs, "ID ranges"), and the columns that say how a sync stands have the same names
for both, so that one set of statements serves both.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """`table` holds where the sync stands; `key` is its key, and the column of `sync_runs`."""

    id: int
    table: str
    key: str

    @property
    def is_character(self) -> bool:
        return self.key == "character_id"


def a_character(character_id: int) -> Subject:
    """A user, by their own list."""
    return Subject(character_id, "users", "character_id")


def a_corporation(corporation_id: int) -> Subject:
    """A corporation that is followed, by its directors' list."""
    return Subject(corporation_id, "corporations_followed", "corporation_id")
