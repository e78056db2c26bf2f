"""Killmails in the shape of `schema.graphql`, put together from ESI's own documents: what ours must come to.

Slow and plain: `PlainReads` stands where `CompiledReads` does and has graphql-core complete everything.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import orjson

from api.compiled.eft import eft
from api.compiled.selection import SelectedField
from db.killmails.attacker_groups import attacker_groups
from db.killmails.feed import COUNTED, count
from db.killmails.filter import KillmailFilter, Order, Viewer
from db.killmails.related_losses import related_losses
from db.values.rules import FREE_HULLS
from eve.hull_slots import RACKS
from eve.security import security_class, shown_security
from eve.slots import slot_name
from tests.db.bodies import Body
from tests.db.killmails.listed import Listed, listed, seen_of

Node = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """What ids stand for."""

    names: Mapping[int, str]
    systems: Mapping[int, tuple[float, int | None]] = field(default_factory=dict)
    """Security and constellation; of constellations nothing is known."""
    tickers: Mapping[int, str] = field(default_factory=dict)
    characters: Mapping[int, tuple[datetime | None, float | None]] = field(default_factory=dict)
    groups: Mapping[int, Node] = field(default_factory=dict)
    prices: Sequence[tuple[int, date, Decimal]] = ()
    """Type, day and average price, by day."""
    celestials: Sequence[tuple[int, str, int, tuple[float, float, float]]] = ()
    """Id, name, solar system, place."""
    slots: Mapping[int, Node] = field(default_factory=dict)

    @classmethod
    async def of(cls, pool: asyncpg.Pool) -> Known:
        """All that the database knows."""

        async def pairs(query: str) -> dict[int, Any]:
            return {key: rest[0] if len(rest) == 1 else tuple(rest) for key, *rest in await pool.fetch(query)}

        categories = await pairs("SELECT category_id, name FROM type_categories")
        types = await pairs(
            "SELECT type_id, group_id, name, category_id FROM types LEFT JOIN type_groups USING (group_id)"
        )
        return cls(
            names=await pairs("SELECT entity_id, name FROM entities"),
            systems=await pairs("SELECT solar_system_id, security_status, constellation_id FROM solar_systems"),
            tickers=await pairs("SELECT corporation_id, ticker FROM corporation_details")
            | await pairs("SELECT alliance_id, ticker FROM alliance_details"),
            characters=await pairs("SELECT character_id, birthday, security_status FROM character_details"),
            prices=[
                tuple(row)
                for row in await pool.fetch("SELECT type_id, day, average_price FROM market_prices ORDER BY day")
            ],
            celestials=[
                (row["celestial_id"], row["name"], row["solar_system_id"], (row["x"], row["y"], row["z"]))
                for row in await pool.fetch("SELECT * FROM celestials")
            ],
            slots={
                row["type_id"]: {rack: row[rack] for rack in RACKS}
                for row in await pool.fetch("SELECT * FROM hull_slots")
            },
            groups={
                type_id: {
                    "id": str(group_id),
                    "name": name,
                    "category": category_id and {"id": str(category_id), "name": categories.get(category_id)},
                }
                for type_id, (group_id, name, category_id) in types.items()
            },
        )

    def named(self, id_: int | None, **more: Any) -> Node | None:
        return None if id_ is None else {"id": str(id_), "name": self.names.get(id_), **more}

    def price(self, type_id: int, on: date) -> Decimal | None:
        """The latest up to that day."""
        of_type = [price for known_id, day, price in self.prices if known_id == type_id and day <= on]
        return of_type[-1] if of_type else None

    def nearest(self, source: Body) -> Node | None:
        place = source["victim"].get("position")
        if place is None or not self.celestials:
            return None
        at = [place[axis] for axis in "xyz"]
        here = [
            (math.dist(at, there), {"id": str(id_), "name": name})
            for id_, name, system_id, there in self.celestials
            if system_id == source["solar_system_id"]
        ]
        distance, told = min(here, key=lambda one: one[0])
        return {**told, "distance": distance}

    def slots_of(self, victim: Body) -> Node | None:
        hull = self.slots.get(victim["ship_type_id"])
        fitted = [one["item_type_id"] for one in victim.get("items", ()) if 125 <= one["flag"] <= 132]
        every = [hull or {}, *(self.slots.get(one, {}) for one in fitted)]
        return hull and {rack: sum(one.get(rack, 0) for one in every) for rack in RACKS}

    def type(self, id_: int | None) -> Node | None:
        return self.named(id_, group=self.groups.get(id_ or 0))

    def system(self, id_: int) -> Node:
        security, constellation_id = self.systems.get(id_, (None, None))
        told = {"securityStatus": security, "security": shown_security(security)}
        constellation = None if constellation_id is None else {"id": str(constellation_id), "name": None}
        nowhere = {"constellation": constellation, "region": None, "wormholeClass": None}
        return {
            "id": str(id_),
            "name": self.names.get(id_),
            **told,
            "securityClass": security_class(security),
            **nowhere,
        }


def plain_killmail(source: Body, known: Known, appraised: Mapping[str, Any] | None = None) -> Node:
    """A killmail as ESI has it, with what is `known` of its ids; `appraised`: the columns of `killmails`."""
    row = appraised or {}

    def party(person: Body) -> Node:
        birthday, security = known.characters.get(person.get("character_id", 0), (None, None))
        organizations = {
            kind: known.named(id_, ticker=known.tickers.get(id_ or 0))
            for kind in ("corporation", "alliance")
            for id_ in (person.get(f"{kind}_id"),)
        }
        return {
            "character": known.named(person.get("character_id"), birthday=birthday, securityStatus=security),
            **organizations,
            "faction": known.named(person.get("faction_id")),
            "ship": known.type(person.get("ship_type_id")),
        }

    def attacker(person: Body) -> Node:
        of_all = row.get("damage_done")
        return {
            **party(person),
            "weapon": known.type(person.get("weapon_type_id")),
            "damageDone": person["damage_done"],
            "damageShare": person["damage_done"] / of_all if of_all else None,
            "finalBlow": person["final_blow"],
            "securityStatus": person["security_status"],
        }

    def item(thing: Body) -> Node:
        return {
            "type": known.type(thing["item_type_id"]),
            "flag": thing["flag"],
            "slot": slot_name(thing["flag"]),
            "quantityDestroyed": thing.get("quantity_destroyed"),
            "quantityDropped": thing.get("quantity_dropped"),
            "singleton": thing["singleton"],
            **worth(thing),
            "items": [item(held) for held in thing.get("items", ())],
        }

    def worth(thing: Body) -> Node:
        day = row.get("price_date")
        if day is None:
            return {}
        if thing["singleton"] == 2:
            return {"priceNote": "BLUEPRINT_COPY"}
        price = known.price(thing["item_type_id"], day)
        if price is None:
            return {}
        quantity = (thing.get("quantity_destroyed") or 0) + (thing.get("quantity_dropped") or 0)
        return {"price": f"{price:.2f}", "value": f"{price * quantity:.2f}", "priceDate": day.isoformat()}

    victim, attackers = source["victim"], [attacker(person) for person in source["attackers"]]
    blow = next((one for one in attackers if one["finalBlow"]), None)
    top = row.get("top_damage_ordinal")
    return {
        "id": str(source["killmail_id"]),
        "time": source["killmail_time"],
        "solarSystem": known.system(source["solar_system_id"]),
        "victim": {**party(victim), "damageTaken": victim["damage_taken"], "position": victim.get("position")},
        "attackers": attackers,
        "finalBlow": blow,
        "attackerCount": len(attackers),
        "topDamage": attackers[top - 1] if top else None,
        "items": [item(thing) for thing in victim.get("items", ())],
        "value": None if row.get("price_date") is None else value(row, known, victim),
        **{flag: row.get(flag) for flag in ("solo", "npc", "awox")},
        "relatedKillmail": None,
        "nearestCelestial": known.nearest(source),
        "slots": known.slots_of(victim),
    }


def value(row: Mapping[str, Any], known: Known, victim: Body) -> Node:
    isk = {name: f"{row[f'{name}_value']:.2f}" for name in ("destroyed", "dropped", "fitted", "total")}
    kinds = {"pricedKinds": row["priced_kinds"], "itemKinds": row["item_kinds"]}
    free, day = victim["ship_type_id"] in FREE_HULLS, row["price_date"].isoformat()
    ship = 0 if free else known.price(victim["ship_type_id"], row["price_date"])
    told = {
        "ship": None if ship is None else f"{ship:.2f}",
        "shipPriceDate": None if free or ship is None else day,
        "shipPriceNote": "FREE_HULL" if free else None,
        "priceDate": day,
        "priceSource": "ESI",
    }
    return {**isk, **kinds, **told}


class PlainReads:
    """What `CompiledReads` is asked, answered with dicts that have everything."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def feed(
        self,
        _: SelectedField,
        viewer: Viewer,
        first: int,
        after: str | None,
        chosen: KillmailFilter,
        order: Order,
    ) -> Node:
        page = await listed(self._pool, viewer, first, after, chosen, order)
        return await self._connection(page, viewer, await count(self._pool, viewer, chosen, order))

    async def feeds_apart(
        self, _: SelectedField, viewer: Viewer, character_ids: Collection[int], first: int
    ) -> dict[int, Node]:
        feeds = {}
        for pilot in character_ids:
            chosen = KillmailFilter(character_id=pilot)
            page = await listed(self._pool, viewer, first, None, chosen)
            feeds[pilot] = await self._connection(page, viewer, await count(self._pool, viewer, chosen))
        return feeds

    async def killmail(self, _: SelectedField, viewer: Viewer, killmail_id: int) -> Node | None:
        seen = await seen_of(self._pool, viewer, [killmail_id])
        return (await self._killmails(seen, viewer))[0] if seen else None

    async def arrived(
        self, _: SelectedField, viewer: Viewer, live_cursors: Mapping[int, str], chosen: KillmailFilter
    ) -> dict[int, Node]:
        seen = await seen_of(self._pool, viewer, live_cursors.keys(), chosen, "ACCOUNT")
        nodes = await self._killmails(seen, viewer)
        return {id_: {**node, "liveCursor": live_cursors[id_]} for id_, node in zip(seen, nodes, strict=True)}

    async def _connection(self, page: Listed, viewer: Viewer, total: int) -> Node:
        nodes = await self._killmails(page.ids, viewer)
        return {
            "nodes": nodes,
            "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(page.cursors, nodes, strict=True)],
            "pageInfo": {"hasNextPage": page.has_more, "endCursor": page.cursors[-1] if page.cursors else None},
            "totalCount": min(total, COUNTED),
            "totalCountIsExact": total <= COUNTED,
        }

    async def _killmails(self, ids: Sequence[int], viewer: Viewer) -> list[Node]:
        known = await Known.of(self._pool)
        rows = {
            row["killmail_id"]: row
            for row in await self._pool.fetch(
                "SELECT * FROM killmails JOIN killmail_bodies USING (killmail_id) WHERE killmail_id = ANY($1)", ids
            )
        }
        async with self._pool.acquire() as connection:
            related = await related_losses(connection, ids, viewer)
        nodes = []
        for id_ in ids:
            node = plain_killmail(orjson.loads(rows[id_]["body"]), known, dict(rows[id_]))
            if (loss := related.get(id_)) is not None:
                time = f"{loss.killmail_time:%Y-%m-%dT%H:%M:%SZ}"
                node["relatedKillmail"] = {"id": loss.killmail_id, "time": time, "ship": known.type(loss.ship_type_id)}
            nodes.append({**node, "attackerGroups": attacker_groups(node["attackers"]), "eft": eft(node)})
        return nodes
