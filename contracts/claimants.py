"""Who claims a killmail reference, so that nobody else fetches it meanwhile (`killmail_refs.claimed_by`).

One number tells all of them apart: ids of characters and corporations never coincide (ESI docs, "ID ranges"), and
imports are below 0. Null is the watchdog's, which claims in nobody's name.
"""

from __future__ import annotations

from typing import NewType

Claimant = NewType("Claimant", int)


def look_of(list_owner_id: int) -> Claimant:
    """The looks at the list of a character or a corporation."""
    return Claimant(list_owner_id)


def import_of(character_id: int) -> Claimant:
    """A character's import from zKillboard: not its looks, which go before."""
    return Claimant(-character_id)
