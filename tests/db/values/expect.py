"""Work out `expectations.json` from the real killmails, by the rules of docs/classification.md.

It shares no code with the product, on purpose: plain Python over the JSON files, nothing of Postgres. Run it
from the project's root when the corpus or a rule changes, and look at the difference:

    python -m tests.db.values.expect
"""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from tests.paths import SHARED_DATA

HERE = Path(__file__).parent
FREE = {670, 33328, 588, 596, 601, 606}
# Groups of EVE's static data: capsule, shuttle, corvette, and the categories of ships and fighters' carriers.
NO_FEAT_GROUPS = {29, 31, 237}
SHIP_CATEGORY = 6
SKIN_CATEGORY, ABYSSAL = 91, 15  # a category and a meta group: neither has an honest price
FITTED = {0, *range(11, 35), 89, *range(92, 100), *range(125, 133), *range(164, 172)}
CENT = Decimal("0.01")


def read(path: Path) -> Any:
    return json.loads(path.read_text(), parse_float=Decimal)


def flat(items: list[dict[str, Any]], flag: int | None = None) -> list[tuple[dict[str, Any], int]]:
    """Every item once, with the flag of the outermost thing that holds it."""
    found = []
    for item in items:
        outer = item["flag"] if flag is None else flag
        found.append((item, outer))
        found += flat(item.get("items", []), outer)
    return found


def price_date(day: str, days: list[str]) -> str:
    earlier = [known for known in days if known <= day]
    return earlier[-1] if earlier else days[0]


def has_no_price(type_: dict[str, Any]) -> bool:
    unpriced: bool = type_["category_id"] == SKIN_CATEGORY or type_["meta_group_id"] == ABYSSAL
    return unpriced


def value(
    killmail: dict[str, Any], prices: dict[str, dict[str, Decimal]], types: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    date = price_date(killmail["killmail_time"][:10], sorted(prices))
    listed = {type_id: price for type_id, price in prices[date].items() if not has_no_price(types[type_id])}
    hull = killmail["victim"]["ship_type_id"]
    hull_price = Decimal(0) if hull in FREE else listed.get(str(hull))
    kinds = {(hull, False)}
    priced = set() if hull_price is None else {(hull, False)}
    destroyed = fitted = hull_price or Decimal(0)
    dropped = Decimal(0)
    for item, flag in flat(killmail["victim"].get("items", [])):
        copy = item["singleton"] == 2
        kind = (item["item_type_id"], copy)
        kinds.add(kind)
        price = None if copy else listed.get(str(item["item_type_id"]))
        if not price:
            continue
        priced.add(kind)
        destroyed += price * item.get("quantity_destroyed", 0)
        dropped += price * item.get("quantity_dropped", 0)
        if flag in FITTED:
            fitted += price * (item.get("quantity_destroyed", 0) + item.get("quantity_dropped", 0))
    destroyed, dropped, fitted = (one.quantize(CENT, ROUND_HALF_UP) for one in (destroyed, dropped, fitted))
    return {
        "destroyed": str(destroyed),
        "dropped": str(dropped),
        "fitted": str(fitted),
        "total": str(destroyed + dropped),
        "price_date": date,
        "priced_kinds": len(priced),
        "item_kinds": len(kinds),
    }


def classify(killmail: dict[str, Any], types: dict[str, dict[str, Any]]) -> dict[str, Any]:
    victim, attackers = killmail["victim"], killmail["attackers"]
    hull = types[str(victim["ship_type_id"])]
    players = [one for one in attackers if one.get("character_id", 3_000_000) not in range(3_000_000, 4_000_000)]
    guns = [
        one
        for one in attackers
        if "character_id" not in one and ("alliance_id" in one or one.get("corporation_id", 0) >= 2_000_000)
    ]
    awox = False
    for one in players:
        if one["final_blow"] and "character_id" in victim and one["character_id"] != victim["character_id"]:
            same_corporation = one["corporation_id"] == victim["corporation_id"] >= 2_000_000
            awox = same_corporation or one.get("alliance_id", 0) == victim.get("alliance_id", -1)
    most = max(one["damage_done"] for one in attackers)
    return {
        "solo": len(players) == 1
        and not guns
        and "character_id" in victim
        and hull["category_id"] == SHIP_CATEGORY
        and hull["group_id"] not in NO_FEAT_GROUPS,
        "npc": not players and not guns,
        "awox": awox,
        "damage_done": sum(one["damage_done"] for one in attackers),
        "top_damage": next(i for i, one in enumerate(attackers, 1) if one["damage_done"] == most) if most else None,
    }


def main() -> None:
    static = read(SHARED_DATA / "static-data-slice.json")
    prices, types = static["prices"], static["types"]
    expected = {}
    for path in sorted((SHARED_DATA / "killmails").glob("[0-9]*.json"), key=lambda path: int(path.stem)):
        killmail = read(path)
        expected[path.stem] = {**value(killmail, prices, types), **classify(killmail, types)}
    rows = ",\n".join(f"{json.dumps(killmail_id)}: {json.dumps(row)}" for killmail_id, row in expected.items())
    (HERE / "expectations.json").write_text(f"{{\n{rows}\n}}\n")


if __name__ == "__main__":
    main()
