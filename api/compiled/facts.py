"""What ids stand for, kept in this process: names above all, which would cost a thousand index lookups per page.

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
KEPT_SECONDS = 600.0
KEPT = 100_000
"""Facts of one kind; when there are more, that kind is forgotten early. A fact takes about a kilobyte."""
MOST_SELECTIONS = 64
"""Selections of one kind whose texts are kept."""


class Kind(Enum):
    """What an id stands for."""

    CHARACTER = "character"
    ORGANIZATION = "corporation or alliance"
    FACTION = "faction"
    TYPE = "type"
    SYSTEM = "solar system"


class _Texts(dict[int | None, str]):
    """The JSON of facts for one selection, written when it is first asked for."""

    __slots__ = ("_nodes", "_selection")

    def __init__(self, selection: Selection, nodes: Mapping[int, Node]) -> None:
        super().__init__({None: "null"})
        self._selection, self._nodes = selection, nodes

    def __missing__(self, id_: int) -> str:
        text = self[id_] = write_node(self._selection, self._nodes[id_])
        return text


class FactsOfKind:
    """The facts of one kind: nodes of the schema by id, and their JSON by selection."""

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


_MAKE: Mapping[Kind, Callable[[Known, int], Node | None]] = {
    Kind.CHARACTER: Known.character,
    Kind.ORGANIZATION: Known.organization,
    Kind.FACTION: Known.named,
    Kind.TYPE: Known.type,
}
_WHOLE: Mapping[Kind, tuple[str, ...]] = {
    Kind.CHARACTER: ("name", "birthday"),
    Kind.ORGANIZATION: ("name", "ticker"),
    Kind.FACTION: ("name",),
    Kind.TYPE: ("name", "group"),
    Kind.SYSTEM: ("name", "securityStatus", "constellation", "region"),
}
"""The fields that are known when everything is: the others may be null for good."""


class Facts:
    """The facts of one process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[Kind, FactsOfKind] = {}
        self._since = now()

    async def of(
        self, connection: asyncpg.pool.PoolConnectionProxy, mentioned: Mapping[Kind, set[int]]
    ) -> dict[Kind, FactsOfKind]:
        """The facts of these ids, and perhaps of others. No statement when all are kept, two at most."""
        if self._now() - self._since >= KEPT_SECONDS:
            self._kept, self._since = {}, self._now()
        facts = {kind: self._kept.setdefault(kind, FactsOfKind({})) for kind in mentioned}
        missing = {kind: absent for kind, ids in mentioned.items() if (absent := ids.difference(facts[kind].nodes))}
        if missing:
            for kind, nodes in (await self._read(connection, missing)).items():
                facts[kind] = self._with(kind, facts[kind], nodes, mentioned[kind])
        return facts

    async def _read(
        self, connection: asyncpg.pool.PoolConnectionProxy, missing: dict[Kind, set[int]]
    ) -> dict[Kind, dict[int, Node]]:
        nodes: dict[Kind, dict[int, Node]] = {}
        if systems := missing.pop(Kind.SYSTEM, None):
            nodes[Kind.SYSTEM] = await solar_system_nodes(connection, systems)
        if missing:
            known = await known_of(connection, {id_ for ids in missing.values() for id_ in ids})
            for kind, ids in missing.items():
                nodes[kind] = {id_: node for id_ in ids if (node := _MAKE[kind](known, id_)) is not None}
        return nodes

    def _with(self, kind: Kind, kept: FactsOfKind, nodes: dict[int, Node], asked: Collection[int]) -> FactsOfKind:
        """What was kept and what was read: what of that is whole is kept, too."""
        whole = {id_: node for id_, node in nodes.items() if _is_whole({name: node[name] for name in _WHOLE[kind]})}
        if len(kept.nodes) + len(whole) > KEPT:
            kept = FactsOfKind({id_: kept.nodes[id_] for id_ in asked if id_ in kept.nodes})
            self._kept[kind] = kept
        kept.nodes |= whole
        if len(whole) == len(nodes):
            return kept
        return FactsOfKind({id_: nodes.get(id_) or kept.nodes[id_] for id_ in asked})


def _is_whole(value: object) -> bool:
    return all(map(_is_whole, value.values())) if isinstance(value, dict) else value is not None
