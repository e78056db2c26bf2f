"""Items arranged as a fit."""

from __future__ import annotations

from typing import Any

from api.site.fit import Line, Rack, shown_fit
from api.site.fit_ring import fit_ring
from api.site.slots import racks_of_slots

GUN, AMMO, OTHER_AMMO, BOX, ORE, BLUEPRINT = "1", "2", "3", "4", "5", "6"
CHARGE = {"id": "83", "name": "Projectile Ammo", "category": {"id": "8", "name": "Charge"}}

DAY = "2026-01-01"


def item(
    type_id: str, slot: str, flag: int, destroyed: int = 0, dropped: int = 0, *held: Any, singleton: int = 0
) -> dict[str, Any]:
    """One of a kind costs as much as its id."""
    return {
        "type": {"id": type_id, "name": type_id, "group": CHARGE if type_id in (AMMO, OTHER_AMMO) else None},
        "slot": slot,
        "flag": flag,
        "quantityDestroyed": destroyed or None,
        "quantityDropped": dropped or None,
        "singleton": singleton,
        "value": None if singleton == 2 else str(int(type_id) * (destroyed + dropped)),
        "priceDate": None,
        "priceNote": None,
        "items": list(held),
    }


def racks(
    *items: Any, at_most: int = 100, total: str = "100", slots: dict[str, int] | None = None
) -> tuple[list[Rack], int]:
    """Without the ship's."""
    value = {"total": total, "ship": "7", "shipPriceDate": DAY, "shipPriceNote": None, "priceDate": DAY}
    killmail = {"items": items, "value": value, "victim": {"ship": {"id": "587"}}}
    fit = shown_fit(killmail, racks_of_slots(items, slots), at_most)
    assert fit.racks[0].slot == "SHIP"
    return fit.racks[1:], fit.left_out


def lines(*items: Any) -> tuple[Line, ...]:
    ((rack,), _) = racks(*items)
    return rack.lines


def read(line: Line) -> tuple[Any, ...]:
    return line.type["id"], line.quantity, line.fate_words, *((one.type["id"], one.quantity) for one in line.charges)


def test_equal_modules_with_equal_charges_are_one_line_whatever_became_of_them() -> None:
    guns = [item(GUN, "HIGH", 27, 1), item(GUN, "HIGH", 28, 0, 1), item(GUN, "HIGH", 29, 1)]
    loaded = [item(AMMO, "HIGH", 27, 10), item(AMMO, "HIGH", 28, 20), item(OTHER_AMMO, "HIGH", 29, 30)]
    first, second = lines(*loaded, *guns)
    assert read(first) == (GUN, 2, "1 destroyed, 1 dropped", (AMMO, 30))
    assert read(second) == (GUN, 1, "destroyed", (OTHER_AMMO, 30))
    assert [first.value, first.whole] == [2, 62], "with what was loaded"


def test_a_charge_without_its_module_is_still_there() -> None:
    assert [read(line) for line in lines(item(AMMO, "HIGH", 27, 0, 5))] == [(AMMO, 5, "dropped")]


def test_the_most_valuable_lie_on_top_and_what_weighs_a_tenth_is_heavy() -> None:
    found = lines(item(GUN, "CARGO", 5, 9), item(ORE, "CARGO", 5, 2, 3), item(ORE, "CARGO", 5, 1))
    assert [(*read(line), line.value, line.heavy) for line in found] == [
        (ORE, 6, "3 destroyed, 3 dropped", 30, True),
        (GUN, 9, "destroyed", 9, False),
    ]


def test_a_blueprint_and_its_copy_are_told_apart() -> None:
    found = lines(item(BLUEPRINT, "CARGO", 5, 1), item(BLUEPRINT, "CARGO", 5, 1, singleton=2))
    assert [[line.copy, line.value] for line in found] == [[False, 6], [True, None]]


def test_containers_hold_what_they_held_and_are_worth_all_of_it() -> None:
    inner = item(BOX, "OTHER", 0, 0, 1, item(ORE, "OTHER", 0, 7))
    box, ore = lines(item(ORE, "CARGO", 5, 1), item(BOX, "CARGO", 5, 1, 0, inner))
    assert [box.type["id"], box.value, box.whole, box.held[0].held[0].quantity] == [BOX, 4, 43, 7]
    assert ore.held == ()


def test_every_hold_has_its_name_and_its_sum() -> None:
    found, _ = racks(item(ORE, "SPECIAL_HOLD", 133, 2), item(GUN, "SPECIAL_HOLD", 90, 1), item(ORE, "CARGO", 5, 1))
    assert [(rack.title, str(rack.value)) for rack in found] == [
        ("Cargo hold", "5"),
        ("Fuel bay", "10"),
        ("Ship maintenance bay", "1"),
    ]


def test_no_more_lines_than_asked_for() -> None:
    cargo = [item(str(kind), "CARGO", 5, 1) for kind in range(10, 30)]
    found, left_out = racks(*cargo, item(GUN, "HIGH", 27, 1), at_most=6)
    assert [(rack.slot, len(rack.lines), str(rack.value)) for rack in found] == [("HIGH", 1, "1"), ("CARGO", 4, "390")]
    assert left_out == 16


def slots(high: int = 0, mid: int = 0, low: int = 0, rig: int = 0, subsystem: int = 0) -> dict[str, int]:
    """As `Killmail.slots`."""
    return {"high": high, "mid": mid, "low": low, "rig": rig, "subsystem": subsystem, "service": 0}


def test_a_list_says_how_many_slots_of_a_rack_were_empty() -> None:
    found, _ = racks(item(GUN, "HIGH", 28, 1), slots=slots(high=4, mid=1, rig=3))
    assert [(rack.title, len(rack.lines), rack.empty) for rack in found] == [
        ("High slots", 1, "3 empty high slots"),
        ("Mid slots", 0, "1 empty mid slot"),
        ("Rigs", 0, "3 empty rig slots"),
    ]
    found, _ = racks(item(GUN, "HIGH", 28, 1), slots=None)
    assert [(rack.title, rack.empty) for rack in found] == [("High slots", "1 empty high slot")]
    fit = shown_fit({"items": [], "value": None}, racks_of_slots([], slots(high=4)), 100)
    assert fit.racks == [], "of a ship without anything all of them were"


def test_the_ring_has_a_place_for_every_slot_of_the_hull() -> None:
    ring = fit_ring(
        racks_of_slots([item(GUN, "HIGH", 28, 1), item(ORE, "LOW", 11, 1)], slots(high=4, mid=2, low=1, subsystem=1))
    )
    assert ring is not None
    assert ring.says == "4 high slots (3 empty), 2 mid slots (2 empty), 1 low slot, 1 subsystem slot (1 empty)"
    assert [spot.fate for spot in ring.spots] == ["empty", "destroyed", *["empty"] * 4, "destroyed", "empty"]
    assert [spot.called for spot in ring.spots if spot.fate == "empty"][:4] == [*["high slot"] * 3, "mid slot"]


def test_slots_in_use_are_drawn_whatever_is_known_of_the_hull() -> None:
    """A hull that has lost a slot since, and a strategic cruiser whose subsystems are not known."""
    ring = fit_ring(racks_of_slots([item(GUN, "HIGH", 27 + number, 1) for number in range(3)], slots(high=2, rig=3)))
    assert ring is not None
    assert ring.says == "3 high slots, 3 rig slots (3 empty)"
    assert fit_ring(racks_of_slots([], slots())) is None


def test_the_ring_of_a_hull_that_nobody_knows_ends_with_the_last_slot_in_use() -> None:
    ring = fit_ring(
        racks_of_slots([item(GUN, "HIGH", 27, 1), item(AMMO, "HIGH", 27, 9), item(GUN, "HIGH", 29, 0, 1)], None)
    )
    assert ring is not None
    assert ring.says == "3 high slots (1 empty)"
    assert [spot.fate for spot in ring.spots] == ["destroyed", "empty", "dropped"]
    assert [spot.charge and spot.charge["id"] for spot in ring.spots] == [AMMO, None, None]
    assert [spot.x for spot in ring.spots] == sorted(spot.x for spot in ring.spots)
    assert fit_ring(racks_of_slots([item(ORE, "CARGO", 5, 1)], None)) is None
