"""The fields of killmails: which columns each needs, and how it is written. Nothing else turns rows into killmails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import orjson

from api.compiled import columns, eft
from api.compiled.columns import Batch, Writer, one_or_none, slices
from api.compiled.entities import EntityKind
from api.compiled.items import items, slots
from api.compiled.needs import Compile, Needs, Table, compiled
from api.compiled.nodes import write_node
from api.compiled.page import Page
from api.compiled.selection import Field
from db.killmails.attacker_groups import attacker_groups

Make = Callable[[str, Field], Writer]
_SIDE_IDS = ("character_id", "corporation_id", "alliance_id")


def _of_killmail(make: Make, column: str) -> Compile:
    def compile_field(field: Field, needs: Needs) -> Writer:
        needs.wanted.killmails.add(column)
        return make(column, field)

    return compile_field


def _of_participant(make: Make, column: str) -> Compile:
    def compile_field(field: Field, needs: Needs) -> Writer:
        needs.wanted.participants.add(column)
        return make(column, field)

    return compile_field


def _entity_of_participant(kind: EntityKind, column: str) -> Compile:
    def compile_field(field: Field, needs: Needs) -> Writer:
        needs.wanted.participants.add(column)
        needs.entities_of_participants.add((kind, column))
        return columns.entity(kind, column, field)

    return compile_field


def _damage_share(_: Field, needs: Needs) -> Writer:
    needs.wanted.participants |= {"damage", "damage_of_all"}

    def write(batch: Batch) -> Sequence[str]:
        shares = zip(batch["damage"], batch["damage_of_all"], strict=True)
        return [repr(damage / of_all) if of_all else "null" for damage, of_all in shares]

    return write


def _position(field: Field, needs: Needs) -> Writer:
    needs.wanted.killmails.add("position")
    selection = field.selection

    def write(batch: Batch) -> Sequence[str]:
        return ["null" if text is None else write_node(selection, orjson.loads(text)) for text in batch["position"]]

    return write


_EVERYBODY: Table = {
    "character": _entity_of_participant(EntityKind.CHARACTER, "character_id"),
    "corporation": _entity_of_participant(EntityKind.ORGANIZATION, "corporation_id"),
    "alliance": _entity_of_participant(EntityKind.ORGANIZATION, "alliance_id"),
    "faction": _entity_of_participant(EntityKind.FACTION, "faction_id"),
    "ship": _entity_of_participant(EntityKind.TYPE, "ship_type_id"),
}
VICTIM: Table = {
    **_EVERYBODY,
    "damageTaken": _of_participant(columns.big_integer, "damage"),
    "position": _position,
}
ATTACKER: Table = {
    **_EVERYBODY,
    "weapon": _entity_of_participant(EntityKind.TYPE, "weapon_type_id"),
    "damageDone": _of_participant(columns.big_integer, "damage"),
    "damageShare": _damage_share,
    "finalBlow": _of_participant(columns.flag, "final_blow"),
    "securityStatus": _of_participant(columns.floating, "security_status"),
}


def _of_ship(make: Callable[[str, Field], Writer], column: str) -> Callable[[Field, Needs], Writer]:
    def writer(field: Field, needs: Needs) -> Writer:
        needs.wanted.prices = True
        return make(column, field)

    return writer


VALUE: Table = {
    "destroyed": _of_killmail(columns.isk, "destroyed_value"),
    "dropped": _of_killmail(columns.isk, "dropped_value"),
    "fitted": _of_killmail(columns.isk, "fitted_value"),
    "total": _of_killmail(columns.isk, "total_value"),
    "priceDate": _of_killmail(columns.plain_text, "price_date"),
    "pricedKinds": _of_killmail(columns.small_integer, "priced_kinds"),
    "itemKinds": _of_killmail(columns.small_integer, "item_kinds"),
    "priceSource": _of_killmail(columns.plain_text, "price_source"),
    "ship": _of_ship(columns.isk, "ship_value"),
    "shipPriceDate": _of_ship(columns.plain_text, "ship_price_date"),
    "shipPriceNote": _of_ship(columns.plain_text, "ship_price_note"),
}


def _related_ship(field: Field, _: Needs) -> Writer:
    return columns.entity(EntityKind.TYPE, "ship_type_id", field)


RELATED: Table = {
    "id": lambda field, _: columns.identity("killmail_id", field),
    "time": lambda field, _: columns.moment("killmail_time", field),
    "ship": _related_ship,
}


def _solar_system(field: Field, needs: Needs) -> Writer:
    needs.wanted.killmails.add("solar_system_id")
    needs.entities_of_killmails.add((EntityKind.SYSTEM, "solar_system_id"))
    return columns.entity(EntityKind.SYSTEM, "solar_system_id", field)


def _value(field: Field, needs: Needs) -> Writer:
    needs.wanted.killmails.add("price_date")
    write = compiled(VALUE, field.selection, needs)

    def write_value(page: Batch) -> Sequence[str]:
        dates = page["price_date"]
        return one_or_none(write, page, [None if date is None else index for index, date in enumerate(dates)])

    return write_value


def _victim(field: Field, needs: Needs) -> Writer:
    needs.wanted.participants.add("ordinal")
    write = compiled(VICTIM, field.selection, needs)
    return lambda page: write(cast(Page, page).victims())


def _attackers(field: Field, needs: Needs) -> Writer:
    needs.wanted.everyone = True
    needs.wanted.participants.add("ordinal")
    write = compiled(ATTACKER, field.selection, needs)

    def write_attackers(page: Batch) -> Sequence[str]:
        attackers, bounds = cast(Page, page).attackers()
        return slices(write(attackers), bounds)

    return write_attackers


def _final_blow(field: Field, needs: Needs) -> Writer:
    needs.wanted.participants.add("final_blow")
    write = compiled(ATTACKER, field.selection, needs)
    return lambda page: one_or_none(write, cast(Page, page).participants, cast(Page, page).final_blows())


def _top_damage(field: Field, needs: Needs) -> Writer:
    needs.wanted.killmails.add("top_damage_ordinal")
    needs.wanted.participants.add("ordinal")
    write = compiled(ATTACKER, field.selection, needs)
    return lambda page: one_or_none(write, cast(Page, page).participants, cast(Page, page).top_damages())


def _attacker_groups(field: Field, needs: Needs) -> Writer:
    grouped = {
        "ship": (EntityKind.TYPE, "ship_type_id"),
        "corporation": (EntityKind.ORGANIZATION, "corporation_id"),
        "alliance": (EntityKind.ORGANIZATION, "alliance_id"),
    }
    needs.wanted.everyone = True
    needs.wanted.participants |= {"damage", *(column for _, column in grouped.values())}
    needs.entities_of_participants |= {*grouped.values()}
    selection = field.selection

    def write(page: Batch) -> Sequence[str]:
        batch, bounds = cast(Page, page).attackers()
        nodes = [{"damageDone": damage} for damage in batch["damage"]]
        for name, (kind, column) in grouped.items():
            for node, id_ in zip(nodes, batch[column], strict=True):
                node[name] = None if id_ is None else batch.entities[kind].nodes[id_]
        return [write_node(selection, attacker_groups(nodes[start:end])) for start, end in bounds]

    return write


def _related(field: Field, needs: Needs) -> Writer:
    needs.wanted.related = True
    write = compiled(RELATED, field.selection, needs)
    return lambda page: one_or_none(write, *cast(Page, page).related())


def _nearest(field: Field, needs: Needs) -> Writer:
    needs.wanted.nearest = True
    selection = field.selection
    return lambda page: ["null" if one is None else write_node(selection, one) for one in cast(Page, page).nearest]


def _eft(_: Field, needs: Needs) -> Writer:
    write = compiled(KILLMAIL, eft.READ, needs)
    return lambda page: [orjson.dumps(eft.eft(orjson.loads(text))).decode() for text in write(page)]


def _live_cursor(_: Field, __: Needs) -> Writer:
    def write(batch: Batch) -> Sequence[str]:
        cursors = cast(Page, batch).live_cursors
        return [f'"{cursors[id_]}"' if id_ in cursors else "null" for id_ in batch["killmail_id"]]

    return write


def _side(_: Field, needs: Needs) -> Writer:
    needs.wanted.participants |= {"ordinal", *_SIDE_IDS}

    def write(batch: Batch) -> Sequence[str]:
        page = cast(Page, batch)
        victims, whose = page.victims(), page.whose_side
        if not whose:
            return ["null"] * batch.size
        ids = zip(*(victims[name] for name in _SIDE_IDS), strict=True)
        return ['"ATTACKER"' if whose.isdisjoint(victim) else '"VICTIM"' for victim in ids]

    return write


KILLMAIL: Table = {
    "id": _of_killmail(columns.identity, "killmail_id"),
    "time": _of_killmail(columns.moment, "killmail_time"),
    "solarSystem": _solar_system,
    "victim": _victim,
    "attackers": _attackers,
    "finalBlow": _final_blow,
    "attackerCount": _of_killmail(columns.small_integer, "attacker_count"),
    "topDamage": _top_damage,
    "attackerGroups": _attacker_groups,
    "items": items,
    "slots": slots,
    "value": _value,
    "solo": _of_killmail(columns.flag, "solo"),
    "npc": _of_killmail(columns.flag, "npc"),
    "awox": _of_killmail(columns.flag, "awox"),
    "relatedKillmail": _related,
    "nearestCelestial": _nearest,
    "eft": _eft,
    "liveCursor": _live_cursor,
}
BESIDE: Table = {
    "side": _side,
    "cursor": lambda field, _: columns.plain_text("cursor", field),
}
"""What only pages and exports are told of a killmail, and no client can ask for: where the viewer stands (or whom the
filter names), VICTIM before ATTACKER, or nowhere; and what continues the list after it."""
