"""Some killmails and who is on them, a column at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import orjson

from api.compiled.columns import Batch, Column, columns_of
from api.compiled.entities import EntitiesOfKind, EntityKind
from db.killmails.rows import KillmailRows
from db.values.price_sql import PriceNote
from db.values.prices import NO_PRICE, KillmailPrices, Price
from db.values.rules import BLUEPRINT_COPY

Bounds = Sequence[tuple[int, int]]
NO_CURSORS: Mapping[int, str] = MappingProxyType({})
_OF_LOSS = ("killmail_id", "killmail_time", "ship_type_id")
_NO_PRICES = KillmailPrices()
_COPY = Price(note=PriceNote.BLUEPRINT_COPY)


class Page(Batch):
    """The killmails; `participants` and `related` are batches of their own."""

    def __init__(
        self,
        rows: KillmailRows,
        entities: Mapping[EntityKind, EntitiesOfKind],
        live_cursors: Mapping[int, str] = NO_CURSORS,
    ) -> None:
        super().__init__(len(rows.killmails), {**columns_of(rows.killmails), "cursor": rows.cursors}, entities)
        self.has_more, self.whose_side, self.live_cursors = rows.has_more, rows.whose_side, live_cursors
        if "items" in self.columns:
            self.columns["items"] = [() if text is None else orjson.loads(text) for text in self["items"]]
            for killmail_id, items in zip(self["killmail_id"], self["items"], strict=True):
                if killmail_id in rows.prices:
                    _price(items, rows.prices[killmail_id].items)
        ships = [rows.prices.get(id_, _NO_PRICES).ship for id_ in self["killmail_id"]]
        self.columns["ship_value"] = [ship.isk for ship in ships]
        self.columns["ship_price_date"] = [ship.day for ship in ships]
        self.columns["ship_price_note"] = [ship.note for ship in ships]
        self.participants = Batch(len(rows.participants), columns_of(rows.participants), entities)
        ids, ordinals = self.participants["killmail_id"], self.participants["ordinal"]
        starts = [index for index, ordinal in enumerate(ordinals) if not ordinal]
        # Each killmail's participants begin with its victim.
        self._groups = {ids[start]: (start, end) for start, end in pairwise([*starts, len(ids)])}
        self._victims_before = {start: count for count, start in enumerate(starts)}
        self._losses = [rows.related.get(killmail_id) for killmail_id in self["killmail_id"]]
        self.nearest = [rows.nearest.get(killmail_id) for killmail_id in self["killmail_id"]]

    def victims(self) -> Batch:
        """One per killmail, with its `position`."""
        starts = [start for start, _ in self._ranges()]
        return self.participants.taken(starts, **{name: self[name] for name in ("position",) if name in self.columns})

    def attackers(self) -> tuple[Batch, Bounds]:
        """All, and for each killmail where its own begin and end."""
        ordinals = self.participants["ordinal"]
        batch = self.participants.where(ordinals)
        before = self._victims_before
        return batch, [(start - before[start], end - before[start] - 1) for start, end in self._ranges()]

    def final_blows(self) -> Sequence[int | None]:
        """Per killmail, the participant who had it."""
        had = self.participants["final_blow"]
        return [next((at for at in range(start + 1, end) if had[at]), None) for start, end in self._ranges()]

    def top_damages(self) -> Sequence[int | None]:
        """Per killmail, the participant who did the most damage."""
        ordinals = self.participants["ordinal"]
        tops = zip(self._ranges(), self["top_damage_ordinal"], strict=True)
        return [
            next((at for at in range(start + 1, end) if ordinals[at] == top), None) if top is not None else None
            for (start, end), top in tops
        ]

    def related(self) -> tuple[Batch, Sequence[int | None]]:
        """The related losses, and for each killmail which is its own."""
        losses = [loss for loss in self._losses if loss is not None]
        columns = {name: [getattr(loss, name) for loss in losses] for name in _OF_LOSS}
        own = iter(range(len(losses)))
        indexes = [None if loss is None else next(own) for loss in self._losses]
        return Batch(len(losses), columns, self.entities), indexes

    def item_type_ids(self) -> Iterator[int]:
        """The types of all items and of what they hold."""
        for items in self.columns.get("items", ()):
            yield from _type_ids(items)

    def _ranges(self) -> Bounds:
        return [self._groups[killmail_id] for killmail_id in self["killmail_id"]]


class Items(Batch):
    """Items as a killmail's body has them."""

    def __init__(self, items: Sequence[Mapping[str, Any]], entities: Mapping[EntityKind, EntitiesOfKind]) -> None:
        super().__init__(len(items), {}, entities)
        self._items = items

    def __getitem__(self, name: str) -> Column:
        return [item.get(name) for item in self._items]

    def held(self) -> Sequence[Sequence[Mapping[str, Any]]]:
        """What is in each."""
        return [item.get("items") or () for item in self._items]


def _price(items: Iterable[dict[str, Any]], prices: Mapping[int, Price]) -> None:
    """Put beside each item what one of it cost, and all of it without what it holds."""
    for item in items:
        price = _COPY if item["singleton"] == BLUEPRINT_COPY else prices.get(item["item_type_id"], NO_PRICE)
        item["price_date"], item["price_note"] = price.day, price.note
        if price.isk is not None:
            quantity = (item.get("quantity_destroyed") or 0) + (item.get("quantity_dropped") or 0)
            item["price"], item["value"] = price.isk, price.isk * quantity
        _price(item.get("items") or (), prices)


def _type_ids(items: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    for item in items:
        yield item["item_type_id"]
        yield from _type_ids(item.get("items") or ())
