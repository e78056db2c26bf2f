"""A lost ship's fit in the text that EVE's fitting window and the fitting tools take ("EFT format").

What was in the ship's slots, destroyed or dropped alike: low, medium and high slots, rigs, subsystems, services, then
drones and fighters, implants, and what the cargo hold held. Source for the order and the forms of lines: what the
game's own "copy to clipboard" writes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from api.compiled.selection import selected

Node = Mapping[str, Any]

READ = selected("""
query {
    time
    victim { ship { name } character { name } }
    items { type { name group { category { id } } } flag slot quantityDestroyed quantityDropped }
}
""")
_CHARGES = "8"
"""Category of charges in EVE's static data."""
_RACKS = (("LOW", "Low"), ("MID", "Med"), ("HIGH", "High"), ("RIG", "Rig"), ("SUBSYSTEM", None), ("SERVICE", None))
"""Slots in the order of the format, and how an empty one is called where a gap can be seen."""
_FIRST_FLAG = {"LOW": 11, "MID": 19, "HIGH": 27, "RIG": 92}
_HOLDS = (("DRONE_BAY", "FIGHTER_BAY", "FIGHTER_TUBE"), ("IMPLANT",), ("CARGO",))


def eft(killmail: Node) -> str | None:
    """The fit of the victim's ship; None while a name in it, or what is a module and what a charge, is unknown.

    Args:
        killmail: with what `READ` selects of it.
    """
    victim, items = killmail["victim"], killmail["items"]
    named = [victim["ship"], *(item["type"] for item in items if _is_shown(item))]
    slots = _slots(items)
    if any(one["name"] is None for one in named) or any(_told_apart(held) is None for held in slots.values()):
        return None
    pilot = victim["character"]["name"] if victim["character"] else None
    title = f"{pilot or victim['ship']['name']} {killmail['time'][:10]}"
    loose: list[Node] = []
    racks = [_rack(slots, slot, empty, loose) for slot, empty in _RACKS]
    holds = [_hold(items, hold) for hold in _HOLDS[:-1]]
    holds.append(_hold([*items, *({**item, "slot": "CARGO"} for item in loose)], _HOLDS[-1]))
    fitted = "\n\n".join("\n".join(rack) for rack in racks if rack)
    held = "\n\n\n".join("\n".join(hold) for hold in holds if hold)
    parts = "\n\n\n".join(part for part in (fitted, held) if part)
    return f"[{victim['ship']['name']}, {title}]\n\n{parts}".rstrip() + "\n"


def _is_shown(item: Node) -> bool:
    slots = {slot for slot, _ in _RACKS}
    return item["slot"] in slots.union(*_HOLDS)


def _slots(items: Iterable[Node]) -> dict[tuple[str, int], list[Node]]:
    """What is in each slot of the ship, by kind and flag, in the order of the flags."""
    racks = {slot for slot, _ in _RACKS}
    held: defaultdict[tuple[str, int], list[Node]] = defaultdict(list)
    for item in sorted(items, key=lambda item: int(item["flag"])):
        if item["slot"] in racks:
            held[item["slot"], item["flag"]].append(item)
    return held


def _rack(slots: Mapping[tuple[str, int], list[Node]], rack: str, empty: str | None, loose: list[Node]) -> list[str]:
    """A line for each slot up to the last that is filled. Charges without a module go to `loose`."""
    lines: list[str] = []
    filled: list[int] = []
    for (slot, flag), held in slots.items():
        if slot != rack:
            continue
        modules, charges = _told_apart(held) or ([], [])
        if modules:
            filled.append(flag)
        else:
            loose += charges
        # What was loaded is named once, at the first of them.
        lines += [_module(module, charges if module is modules[0] else []) for module in modules]
    if empty is not None and filled:
        lines += [f"[Empty {empty} slot]"] * (filled[-1] - _FIRST_FLAG[rack] + 1 - len(filled))
    return lines


def _told_apart(items: list[Node]) -> tuple[list[Node], list[Node]] | None:
    """The modules in one slot, and their charges; None while that is unknown.

    Where the category of a type is not known yet, a stack of several is a charge, for a slot holds modules singly;
    and what is alone in its slot, or alone beside charges, is the module.
    """
    known = [item for item in items if _category(item) is not None]
    unknown = [item for item in items if _category(item) is None]
    charges = [item for item in known if _category(item) == _CHARGES]
    modules = [item for item in known if _category(item) != _CHARGES]
    stacks = [item for item in unknown if _quantity(item) > 1]
    single = [item for item in unknown if _quantity(item) <= 1]
    if single and (modules or len({item["type"]["name"] for item in single}) > 1):
        return None
    return modules + single, charges + stacks


def _module(module: Node, charges: list[Node]) -> str:
    name: str = module["type"]["name"]
    return f"{name}, {charges[0]['type']['name']}" if charges else name


def _hold(items: Iterable[Node], slots: tuple[str, ...]) -> list[str]:
    """Each kind of item once, in the order of its first stack; implants without a number."""
    quantities: Counter[str] = Counter()
    for item in items:
        if item["slot"] in slots:
            quantities[item["type"]["name"]] += _quantity(item)
    return [name if slots == ("IMPLANT",) else f"{name} x{quantity}" for name, quantity in quantities.items()]


def _quantity(item: Node) -> int:
    return (item["quantityDestroyed"] or 0) + (item["quantityDropped"] or 0)


def _category(item: Node) -> str | None:
    group = item["type"]["group"]
    category = group["category"] if group else None
    return category["id"] if category else None
