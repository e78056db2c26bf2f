"""The characters one can log in as: their corporation, whether they are its director, whose account they are on."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.eve.journal import Journal
from sandbox.eve.people import Character
from sandbox.eve.universe import Universe

DIRECTOR = "Director"


@dataclass
class Pilot:
    """A character with an account."""

    character_id: int
    name: str
    corporation_id: int
    alliance_id: int | None
    director: bool
    owner_hash: str
    transfers: int = 0


class Roster:
    """All pilots, in the order they were founded; those of real killmails come last."""

    def __init__(self, universe: Universe, journal: Journal, seed: int) -> None:
        self._universe = universe
        self._journal = journal
        self._seed = seed
        self._pilots: dict[int, Pilot] = {}
        directors = {director.character_id for director in universe.people.directors}
        self.enrol(universe.people.pilots, directors)

    def enrol(self, characters: Iterable[Character], directors: Iterable[int] = ()) -> None:
        """Give these characters accounts."""
        chosen = set(directors)
        for one in characters:
            corporation = self._universe.corporations.get(one.corporation_id)
            self._pilots.setdefault(
                one.character_id,
                Pilot(
                    one.character_id,
                    one.name,
                    one.corporation_id,
                    corporation.alliance_id if corporation else None,
                    one.character_id in chosen,
                    self._owner_hash(one.character_id, 0),
                ),
            )

    def replay(self) -> None:
        """Apply what happened to pilots before this start."""
        for event in self._journal.past("transferred", "roles"):
            pilot = self._pilots.get(event["character_id"])
            if pilot and event["kind"] == "transferred":
                self._set_transfers(pilot, event["transfers"])
            elif pilot:
                pilot.director = event["director"]

    @property
    def pilots(self) -> list[Pilot]:
        return list(self._pilots.values())

    def get(self, character_id: int) -> Pilot | None:
        return self._pilots.get(character_id)

    def transfer(self, character_id: int) -> None:
        """Sell the character to another account: its owner hash changes.

        Raises:
            KeyError: there is no such pilot; so do the other methods.
        """
        pilot = self._pilots[character_id]
        self._set_transfers(pilot, pilot.transfers + 1)
        self._journal.write("transferred", character_id=character_id, transfers=pilot.transfers)

    def set_director(self, character_id: int, director: bool) -> None:
        self._pilots[character_id].director = director
        self._journal.write("roles", character_id=character_id, director=director)

    def _set_transfers(self, pilot: Pilot, transfers: int) -> None:
        pilot.transfers = transfers
        pilot.owner_hash = self._owner_hash(pilot.character_id, transfers)

    def _owner_hash(self, character_id: int, transfers: int) -> str:
        text = f"{self._seed} owner {character_id} {transfers}"
        return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()
