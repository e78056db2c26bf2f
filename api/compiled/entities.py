"""The entities that ids stand for, kept in this process: their names would cost a thousand index lookups per page.

All is forgotten every `KEPT_SECONDS`, so that is how late a new name is shown: names are asked of ESI again every 30
days, so ten minutes are nothing, and an age needs no message that could be lost. What is not wholly known yet (a
pilot's name in the first seconds after the login, say) is not kept: it shows as soon as it is known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any

import asyncpg

from api.compiled.nodes import write_node
from api.compiled.selection import Selection
from db.universe.known import Known, known_of
from db.universe.places import solar_system_nodes

Node = dict[str, Any]
Asked = asyncpg.Pool | asyncpg.pool.PoolConnectionProxy
KEPT_SECONDS = 600.0
KEPT = 100_000
"""Entities of one kind; when there are more, that kind is forgotten early. An entity takes about a kilobyte."""
MOST_SELECTIONS = 64
"""Selections of one kind whose texts are kept."""


class EntityKind(Enum):
    """What an id stands for."""

    CHARACTER = "character"
    ORGANIZATION = "corporation or alliance"
    FACTION = "faction"
    TYPE = "type"
    SYSTEM = "solar system"


class _Texts(dict[int | None, str]):
    """The JSON of entities for one selection, written when it is first asked for."""

    __slots__ = ("_nodes", "_selection")

    def __init__(self, selection: Selection, nodes: Mapping[int, Node]) -> None:
        super().__init__({None: "null"})
        self._selection, self._nodes = selection, nodes

    def __missing__(self, id_: int) -> str:
        text = self[id_] = write_node(self._selection, self._nodes[id_])
        return text


class EntitiesOfKind:
    """The entities of one kind: nodes of the schema by id, and their JSON by selection."""

    def __init__(self, nodes: dict[int, Node]) -> None:
        self.nodes = nodes
        self._texts: dict[Selection, _Texts] = {}

    def texts(self, selection: Selection) -> Mapping[int | None, str]:
        """JSON by id; `null` for None."""
        texts = self._texts.get(selection)
        if texts is None:
            if len(self._texts) >= MOST_SELECTIONS:
                self._texts.clear()
            texts = self._texts[selection] = _Texts(selection, self.nodes)
        return texts


_MAKE: Mapping[EntityKind, Callable[[Known, int], Node | None]] = {
    EntityKind.CHARACTER: Known.character,
    EntityKind.ORGANIZATION: Known.organization,
    EntityKind.FACTION: Known.named,
    EntityKind.TYPE: Known.type,
}
_WHOLE: Mapping[EntityKind, tuple[str, ...]] = {
    EntityKind.CHARACTER: ("name", "birthday"),
    EntityKind.ORGANIZATION: ("name", "ticker"),
    EntityKind.FACTION: ("name",),
    EntityKind.TYPE: ("name", "group"),
    EntityKind.SYSTEM: ("name", "securityStatus", "constellation", "region"),
}
"""The fields that are known when everything is: the others may be null for good."""


class Named:
    """Nodes of the ids that battles mention (`db.battles.nodes.Names`)."""

    def __init__(self, entities: Mapping[EntityKind, EntitiesOfKind]) -> None:
        self._nodes = {kind: of_kind.nodes for kind, of_kind in entities.items()}

    def character(self, character_id: int | None) -> Node | None:
        """A pilot."""
        return None if character_id is None else self._nodes[EntityKind.CHARACTER][character_id]

    def organization(self, organization_id: int | None) -> Node | None:
        """A corporation or an alliance."""
        return None if organization_id is None else self._nodes[EntityKind.ORGANIZATION][organization_id]

    def type(self, type_id: int | None) -> Node | None:
        """A ship."""
        return None if type_id is None else self._nodes[EntityKind.TYPE][type_id]

    def system(self, system_id: int) -> Node:
        """A solar system."""
        return self._nodes[EntityKind.SYSTEM][system_id]


class Entities:
    """The entities that one process keeps."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[EntityKind, EntitiesOfKind] = {}
        self._since = now()

    async def of(self, connection: Asked, mentioned: Mapping[EntityKind, set[int]]) -> dict[EntityKind, EntitiesOfKind]:
        """The entities of these ids, and perhaps others. No statement when all are kept, two at most."""
        if self._now() - self._since >= KEPT_SECONDS:
            self._kept, self._since = {}, self._now()
        entities = {kind: self._kept.setdefault(kind, EntitiesOfKind({})) for kind in mentioned}
        missing = {kind: absent for kind, ids in mentioned.items() if (absent := ids.difference(entities[kind].nodes))}
        if missing:
            for kind, nodes in (await self._read(connection, missing)).items():
                entities[kind] = self._with(kind, entities[kind], nodes, mentioned[kind])
        return entities

    async def _read(self, connection: Asked, missing: dict[EntityKind, set[int]]) -> dict[EntityKind, dict[int, Node]]:
        nodes: dict[EntityKind, dict[int, Node]] = {}
        if systems := missing.pop(EntityKind.SYSTEM, None):
            nodes[EntityKind.SYSTEM] = await solar_system_nodes(connection, systems)
        if missing:
            known = await known_of(connection, {id_ for ids in missing.values() for id_ in ids})
            for kind, ids in missing.items():
                nodes[kind] = {id_: node for id_ in ids if (node := _MAKE[kind](known, id_)) is not None}
        return nodes

    def _with(
        self, kind: EntityKind, kept: EntitiesOfKind, nodes: dict[int, Node], asked: Collection[int]
    ) -> EntitiesOfKind:
        """What was kept and what was read: what of that is whole is kept, too."""
        whole = {id_: node for id_, node in nodes.items() if _is_whole({name: node[name] for name in _WHOLE[kind]})}
        if len(kept.nodes) + len(whole) > KEPT:
            kept = EntitiesOfKind({id_: kept.nodes[id_] for id_ in asked if id_ in kept.nodes})
            self._kept[kind] = kept
        kept.nodes |= whole
        if len(whole) == len(nodes):
            return kept
        return EntitiesOfKind({id_: nodes.get(id_) or kept.nodes[id_] for id_ in asked})


def _is_whole(value: object) -> bool:
    return all(map(_is_whole, value.values())) if isinstance(value, dict) else value is not None
