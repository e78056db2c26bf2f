"""The fields of a killmail's items, and the slots that they were in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import Any, cast

from api.compiled import columns
from api.compiled.columns import Batch, Writer, slices
from api.compiled.entities import EntityKind
from api.compiled.needs import Needs, Table, compiled
from api.compiled.nodes import write_node
from api.compiled.page import Items, Page
from api.compiled.selection import Field, Selection
from eve.hull_slots import RACKS
from eve.slots import slot_name


def _slot(field: Field, _: Needs) -> Writer:
    return lambda batch: [f'"{slot_name(flag)}"' for flag in columns.checked(batch, "flag", field)]


def _held(field: Field, needs: Needs) -> Writer:
    @cache  # made when first something is held, for a selection of ours may hold itself
    def write() -> Writer:
        return compiled(ITEM, field.selection, needs)

    def write_held(batch: Batch) -> Sequence[str]:
        held = cast(Items, batch).held()
        return _lists(write(), held, batch) if any(held) else ["[]"] * batch.size

    return write_held


ITEM: Table = {
    "type": lambda field, _: columns.entity(EntityKind.TYPE, "item_type_id", field),
    "flag": lambda field, _: columns.big_integer("flag", field),
    "slot": _slot,
    "quantityDestroyed": lambda field, _: columns.big_integer("quantity_destroyed", field),
    "quantityDropped": lambda field, _: columns.big_integer("quantity_dropped", field),
    "price": lambda field, _: columns.isk("price", field),
    "value": lambda field, _: columns.isk("value", field),
    "priceDate": lambda field, _: columns.plain_text("price_date", field),
    "priceNote": lambda field, _: columns.plain_text("price_note", field),
    "singleton": lambda field, _: columns.big_integer("singleton", field),
    "items": _held,
}


def _lists(write: Writer, lists: Sequence[Sequence[Mapping[str, Any]]], batch: Batch) -> Sequence[str]:
    texts = write(Items([item for items in lists for item in items], batch.entities))
    return slices(texts, [*pairwise(accumulate(map(len, lists), initial=0))])


def items(field: Field, needs: Needs) -> Writer:
    needs.wanted.killmails.add("items")
    needs.wanted.prices |= _asks_for_prices(field.selection, set())
    write = compiled(ITEM, field.selection, needs)
    return lambda page: _lists(write, page["items"], page)


_OF_PRICES = frozenset(["price", "value", "priceDate", "priceNote"])


def _asks_for_prices(selection: Selection, seen: set[int]) -> bool:
    """Of items, or of what they hold. `seen`: selections, for one of ours may hold itself."""
    if id(selection) in seen:
        return False
    seen.add(id(selection))
    return any(
        field.name in _OF_PRICES or (field.name == "items" and _asks_for_prices(field.selection, seen))
        for field in selection.fields
    )


def slots(field: Field, needs: Needs) -> Writer:
    """Those of the hull, and what its subsystems add. Null where there are none, or none are known."""
    needs.wanted.killmails.add("items")
    needs.wanted.participants |= {"ordinal", "ship_type_id"}
    needs.entities_of_participants.add((EntityKind.TYPE, "ship_type_id"))
    selection = field.selection

    def write(page: Batch) -> Sequence[str]:
        known = page.entities[EntityKind.TYPE].nodes
        told: list[str] = []
        for hull_id, items in zip(cast(Page, page).victims()["ship_type_id"], page["items"], strict=True):
            hull = None if hull_id is None else known[hull_id]["slots"]
            if hull is None:
                told.append("null")
                continue
            fitted = (known[item["item_type_id"]]["slots"] for item in items if slot_name(item["flag"]) == "SUBSYSTEM")
            added = [one for one in fitted if one is not None]
            every = {rack: hull[rack] + sum(one[rack] for one in added) for rack in RACKS}
            told.append(write_node(selection, every))
        return told

    return write
