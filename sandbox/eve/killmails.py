"""The killmails of the sandbox: who is shown which, and their bodies as bytes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

LISTED_SECONDS = 90 * 86_400
"""How far back ESI's killmail lists reach."""


class ListKind(StrEnum):
    """Whose list."""

    CHARACTER = "characters"
    CORPORATION = "corporations"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a killmail list holds."""

    killmail_id: int
    killmail_hash: str

    def as_json(self) -> dict[str, int | str]:
        return {"killmail_id": self.killmail_id, "killmail_hash": self.killmail_hash}


@dataclass(slots=True)
class Killmail:
    """One of them. Its body is made when first asked for, and kept as bytes.

    `victim` and `last` are (character, corporation) at that time: those who are shown it in their lists.
    `last` is the final blow, or the last player to do damage where an NPC had the final blow.
    """

    killmail_id: int
    killmail_hash: str
    time: float
    victim: tuple[int | None, int | None]
    last: tuple[int | None, int | None]
    make: Callable[[], dict[str, Any]] = field(repr=False)
    always_listed: bool = False
    """Whatever its age: real bodies are old."""
    raw: bytes = field(default=b"", repr=False)
    listed_hash: str | None = None
    """What lists say instead of its hash, where they are wrong."""
    zkillboard_hash: str | None = None
    """The same of zKillboard."""

    @property
    def reference(self) -> Reference:
        """As a list of ESI's holds it."""
        return Reference(self.killmail_id, self.killmail_hash if self.listed_hash is None else self.listed_hash)

    def body(self) -> bytes:
        """As ESI sends it."""
        if not self.raw:
            self.raw = orjson.dumps(self.make())
        return self.raw

    def parsed(self) -> dict[str, Any]:
        parsed: dict[str, Any] = orjson.loads(self.body())
        return parsed


class Killmails:
    """All of them, indexed by who is shown them."""

    def __init__(self) -> None:
        self._all: dict[int, Killmail] = {}
        self._shown: dict[tuple[ListKind, int], list[Killmail]] = defaultdict(list)
        self._hidden: set[tuple[ListKind, int, int]] = set()
        self._lock = threading.Lock()
        self.newest_id = 0

    def add(self, killmail: Killmail) -> None:
        """Take one in; an id that is known already is left as it was."""
        if killmail.killmail_id in self._all:
            return
        with self._lock:
            self._all[killmail.killmail_id] = killmail
        self.newest_id = max(self.newest_id, killmail.killmail_id)
        for kind, position in ((ListKind.CHARACTER, 0), (ListKind.CORPORATION, 1)):
            for entity_id in {killmail.victim[position], killmail.last[position]} - {None}:
                self._shown[kind, entity_id or 0].append(killmail)

    def get(self, killmail_id: int) -> Killmail | None:
        return self._all.get(killmail_id)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Killmail]:
        with self._lock:
            return iter(list(self._all.values()))

    def listed(self, kind: ListKind, entity_id: int, now: float) -> list[Reference]:
        """What ESI lists to them now, newest first."""
        since = now - LISTED_SECONDS
        shown = [
            killmail
            for killmail in self._shown.get((kind, entity_id), ())
            if (killmail.always_listed or killmail.time > since)
            and (kind, entity_id, killmail.killmail_id) not in self._hidden
        ]
        shown.sort(key=lambda killmail: killmail.killmail_id, reverse=True)
        return [killmail.reference for killmail in shown]

    def hide(self, kind: ListKind, entity_id: int, references: Iterable[Reference]) -> None:
        """Take these off a list, as age does."""
        self._hidden.update((kind, entity_id, reference.killmail_id) for reference in references)

    def show(self, kind: ListKind, entity_id: int, references: Iterable[Reference]) -> None:
        """Put these on the list again."""
        self._hidden.difference_update((kind, entity_id, reference.killmail_id) for reference in references)
