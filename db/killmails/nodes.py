"""Database rows put together into killmails in the shape of `schema.graphql`.

Plain dicts with the schema's own field names, so that GraphQL's default resolvers and the page's templates
read the same thing. Ids are strings, times RFC 3339 in UTC, numbers exactly what ESI sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from db.killmails.related_losses import RelatedLoss
from db.universe.known import Known
from db.universe.places import solar_system_node
from eve.slots import slot_name

Node = dict[str, Any]
"""A killmail as `schema.graphql` has it, plus `side`: VICTIM or ATTACKER, where the viewer stands, or whom the filter
names (VICTIM wins)."""

_SIDE_IDS = ("character_id", "corporation_id", "alliance_id")
_PARTICIPANT_IDS = (
    "character_id",
    "corporation_id",
    "alliance_id",
    "faction_id",
    "ship_type_id",
    "weapon_type_id",
)


def mentioned_ids(killmails: Iterable[asyncpg.Record], participants: Iterable[asyncpg.Record]) -> set[int]:
    """Every id in these rows that has a name."""
    ids = {participant[column] for participant in participants for column in _PARTICIPANT_IDS}
    for row in killmails:
        ids.add(row["solar_system_id"])
        if row["items"] is not None:
            ids.update(item_type_ids(orjson.loads(row["items"])))
    ids.discard(None)
    return ids


def killmail_node(
    row: asyncpg.Record,
    participants: Iterable[asyncpg.Record],
    known: Known,
    whose_side: Set[int],
    related: RelatedLoss | None,
    *,
    with_attackers: bool,
    with_items: bool,
) -> Node:
    """One killmail. `attackers` and `items` are in it only when asked for.

    Args:
        row: of `db.killmails`, with position and items as JSON text or None.
        participants: its victim and, in ESI's order, the attackers needed.
        whose_side: the characters, corporations or alliances by which `side` is told.
        related: the other loss to link to.
    """
    victim, *attackers = participants
    final_blow = next((attacker for attacker in attackers if attacker["final_blow"]), None)
    top_damage = next((one for one in attackers if one["ordinal"] == row["top_damage_ordinal"]), None)
    damage = row["damage_done"]
    node: Node = {
        "id": str(row["killmail_id"]),
        "time": shown_time(row["killmail_time"]),
        "side": "VICTIM" if whose_side & {victim[column] for column in _SIDE_IDS} else "ATTACKER",
        "solarSystem": solar_system_node(row, known.name(row["solar_system_id"])),
        "victim": {
            **_who(victim, known),
            "damageTaken": victim["damage"],
            "position": None if row["position"] is None else orjson.loads(row["position"]),
        },
        "finalBlow": None if final_blow is None else _attacker(final_blow, known, damage),
        "topDamage": None if top_damage is None else _attacker(top_damage, known, damage),
        "attackerCount": row["attacker_count"],
        "value": _value(row),
        "solo": row["solo"],
        "npc": row["npc"],
        "awox": row["awox"],
        "relatedKillmail": None if related is None else _related(related, known),
    }
    if with_attackers:
        node["attackers"] = [_attacker(attacker, known, damage) for attacker in attackers]
    if with_items:
        node["items"] = [] if row["items"] is None else [item_node(item, known) for item in orjson.loads(row["items"])]
    return node


def shown_time(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _value(row: asyncpg.Record) -> Node | None:
    if row["price_date"] is None:
        return None
    figures = {name: f"{row[f'{name}_value']:.2f}" for name in ("destroyed", "dropped", "fitted", "total")}
    return {
        **figures,
        "priceDate": row["price_date"].isoformat(),
        "pricedKinds": row["priced_kinds"],
        "itemKinds": row["item_kinds"],
    }


def _related(loss: RelatedLoss, known: Known) -> Node:
    return {"id": str(loss.killmail_id), "time": shown_time(loss.killmail_time), "ship": known.type(loss.ship_type_id)}


def _who(participant: asyncpg.Record, known: Known) -> Node:
    return {
        "character": known.character(participant["character_id"]),
        "corporation": known.organization(participant["corporation_id"]),
        "alliance": known.organization(participant["alliance_id"]),
        "faction": known.named(participant["faction_id"]),
        "ship": known.type(participant["ship_type_id"]),
    }


def _attacker(participant: asyncpg.Record, known: Known, damage_of_all: int | None) -> Node:
    return {
        **_who(participant, known),
        "weapon": known.type(participant["weapon_type_id"]),
        "damageDone": participant["damage"],
        "damageShare": participant["damage"] / damage_of_all if damage_of_all else None,
        "finalBlow": participant["final_blow"],
        "securityStatus": participant["security_status"],
    }


def item_node(item: Mapping[str, Any], known: Known) -> Node:
    """What was in a slot or in the cargo, and what it held."""
    return {
        "type": known.type(item["item_type_id"]),
        "flag": item["flag"],
        "slot": slot_name(item["flag"]),
        "quantityDestroyed": item.get("quantity_destroyed"),
        "quantityDropped": item.get("quantity_dropped"),
        "singleton": item["singleton"],
        "items": [item_node(held, known) for held in item.get("items") or ()],
    }


def item_type_ids(items: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    """The types of these items and of what they hold."""
    for item in items:
        yield item["item_type_id"]
        yield from item_type_ids(item.get("items") or ())
