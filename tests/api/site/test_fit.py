"""Items arranged as a fit."""

from __future__ import annotations

from typing import Any

from api.site.fit import Line, shown_fit

GUN, AMMO, OTHER_AMMO, BOX, ORE, BLUEPRINT = "1", "2", "3", "4", "5", "6"
CHARGE = {"id": "83", "name": "Projectile Ammo", "category": {"id": "8", "name": "Charge"}}


def item(
    type_id: str, slot: str, flag: int, destroyed: int = 0, dropped: int = 0, *held: Any, singleton: int = 0
) -> dict[str, Any]:
    return {
        "type": {"id": type_id, "name": type_id, "group": CHARGE if type_id in (AMMO, OTHER_AMMO) else None},
        "slot": slot,
        "flag": flag,
        "quantityDestroyed": destroyed or None,
        "quantityDropped": dropped or None,
        "singleton": singleton,
        "items": list(held),
    }


def lines(*items: Any) -> list[Line]:
    (rack,) = shown_fit(items, 100).racks
    return rack.lines


def read(line: Line) -> tuple[Any, ...]:
    return line.type["id"], line.quantity, line.fate, *((one.type["id"], one.quantity) for one in line.charges)


def test_equal_modules_with_equal_charges_are_one_line() -> None:
    guns = [item(GUN, "HIGH", flag, 1) for flag in (27, 28, 29)]
    loaded = [item(AMMO, "HIGH", 27, 10), item(AMMO, "HIGH", 28, 20), item(OTHER_AMMO, "HIGH", 29, 30)]
    found = lines(*loaded, *guns)
    assert [read(line) for line in found] == [
        (GUN, 2, "destroyed", (AMMO, 30)),
        (GUN, 1, "destroyed", (OTHER_AMMO, 30)),
    ]


def test_a_charge_without_its_module_is_still_there() -> None:
    assert [read(line) for line in lines(item(AMMO, "HIGH", 27, 0, 5))] == [(AMMO, 5, "dropped")]


def test_what_was_partly_destroyed_is_two_lines() -> None:
    found = lines(item(ORE, "CARGO", 5, 2, 3), item(ORE, "CARGO", 5, 1))
    assert [read(line) for line in found] == [(ORE, 3, "destroyed"), (ORE, 3, "dropped")]


def test_a_blueprint_and_its_copy_are_told_apart() -> None:
    found = lines(item(BLUEPRINT, "CARGO", 5, 1), item(BLUEPRINT, "CARGO", 5, 1, singleton=2))
    assert [line.copy for line in found] == [False, True]


def test_what_containers_hold_comes_right_after_them_and_goes_as_deep_as_it_lies() -> None:
    inner = item(BOX, "OTHER", 0, 0, 1, item(ORE, "OTHER", 0, 7))
    found = lines(item(ORE, "CARGO", 5, 1), item(BOX, "CARGO", 5, 1, 0, inner))
    assert [(line.type["id"], line.depth) for line in found] == [(ORE, 0), (BOX, 0), (BOX, 1), (ORE, 2)]


def test_no_more_lines_than_asked_for() -> None:
    fit = shown_fit([item(str(kind), "CARGO", 5, 1) for kind in range(10, 30)] + [item(GUN, "HIGH", 27, 1)], 5)
    assert [(rack.slot, len(rack.lines)) for rack in fit.racks] == [("HIGH", 1), ("CARGO", 4)]
    assert fit.left_out == 16
