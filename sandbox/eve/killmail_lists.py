"""The killmail lists as ESI's cache serves them: one snapshot for a while, in pages of a thousand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from sandbox.eve.answers import Answer, etag_of, refusal
from sandbox.eve.clock import Clock
from sandbox.eve.killmails import Killmails, ListKind, Reference

PAGE_SIZE = 1_000


@dataclass
class Shift:
    """After `after_page` was served, `add` new killmails push the rest back, `remove` of the oldest fall off."""

    character_id: int
    after_page: int = 1
    add: int = 1
    remove: int = 0


@dataclass(frozen=True)
class Snapshot:
    """A list at a moment; all its pages carry one Last-Modified."""

    references: tuple[Reference, ...]
    made_at: float
    pages: tuple[bytes, ...]


class KillmailLists:
    """Snapshots by whose list it is."""

    def __init__(
        self,
        killmails: Killmails,
        clock: Clock,
        cache_seconds: float,
        make: Callable[[int, int], list[Reference]],
    ) -> None:
        self._killmails = killmails
        self._clock = clock
        self._cache_seconds = cache_seconds
        self._make = make
        self._snapshots: dict[tuple[ListKind, int], Snapshot] = {}
        self._expired: set[tuple[ListKind, int]] = set()
        self.shifts: list[Shift] = []

    def page(self, kind: ListKind, entity_id: int, number: int) -> Answer:
        """One page, from 1.

        Raises:
            Refusal: 404, past the end.
        """
        snapshot = self._snapshot(kind, entity_id)
        if not 1 <= number <= len(snapshot.pages):
            raise refusal(404, "Requested page does not exist!")
        body = snapshot.pages[number - 1]
        self._shift(kind, entity_id, number)
        return Answer(
            body,
            last_modified=snapshot.made_at,
            expires_at=snapshot.made_at + self._cache_seconds,
            headers={"X-Pages": str(len(snapshot.pages))},
            etag=etag_of(body),
        )

    def expire(self) -> None:
        """Let the next look at any list see what is there now."""
        self._expired.update(self._snapshots)

    def _snapshot(self, kind: ListKind, entity_id: int) -> Snapshot:
        key = (kind, entity_id)
        now = self._clock.now()
        last = self._snapshots.get(key)
        if last and key not in self._expired and now < last.made_at + self._cache_seconds:
            return last
        self._expired.discard(key)
        references = tuple(self._killmails.listed(kind, entity_id, now))
        starts = range(0, max(1, len(references)), PAGE_SIZE)
        pages = tuple(
            orjson.dumps([reference.as_json() for reference in references[start : start + PAGE_SIZE]])
            for start in starts
        )
        # Last-Modified counts whole seconds; two snapshots must not share one.
        made_at = now if last is None or int(now) > int(last.made_at) else int(last.made_at) + 1
        self._snapshots[key] = Snapshot(references, made_at, pages)
        return self._snapshots[key]

    def _shift(self, kind: ListKind, entity_id: int, number: int) -> None:
        for shift in self.shifts:
            if kind is ListKind.CHARACTER and (shift.character_id, shift.after_page) == (entity_id, number):
                self.shifts.remove(shift)
                oldest = self._snapshots[kind, entity_id].references[-shift.remove :] if shift.remove else ()
                self._killmails.hide(kind, entity_id, oldest)
                self._make(entity_id, shift.add)
                self._expired.add((kind, entity_id))
                return
