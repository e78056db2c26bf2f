"""What ids stand for, kept in this process: names above all, which would cost a thousand index lookups per page.

A fact is kept for `KEPT_SECONDS` and then read again, so that is how late a new name is shown: names are asked of ESI
again every 30 days, so ten minutes are nothing, and an age needs no message that could be lost. What is not wholly
known yet (a pilot's name in the first seconds after the login, say) is not kept: it shows as soon as it is known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from itertools import islice
from typing import Any

import asyncpg

from api.compiled.nodes import write_node
from api.compiled.selection import Selection
from db.known import Known, known_of
from db.places import solar_system_nodes

Node = dict[str, Any]
KEPT_SECONDS = 600.0
KEPT = 100_000
"""Facts of one kind; above it the ones that were read first go. A fact takes about a kilobyte."""
MOST_TEXTS = 8
"""Selections remembered per fact."""


class Kind(Enum):
    """What an id stands for."""

    CHARACTER = "character"
    ORGANIZATION = "corporation or alliance"
    FACTION = "faction"
    TYPE = "type"
    SYSTEM = "solar system"


class Fact(dict[Selection, str]):
    """One node, and its JSON by selection."""

    __slots__ = ("node", "read_at")

    def __init__(self, node: Node | None, read_at: float = 0.0) -> None:
        super().__init__()
        self.node = node
        self.read_at = read_at

    def __missing__(self, selection: Selection) -> str:
        if self.node is None:
            return "null"
        if len(self) >= MOST_TEXTS:
            self.clear()
        text = self[selection] = write_node(selection, self.node)
        return text


NOTHING = Fact(None)
"""Of an id that is not there."""

FactsOfKind = Mapping[int | None, Fact]

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
        self._kept: dict[Kind, dict[int, Fact]] = {kind: {} for kind in Kind}

    async def of(
        self, connection: asyncpg.pool.PoolConnectionProxy, mentioned: Mapping[Kind, Collection[int]]
    ) -> dict[Kind, FactsOfKind]:
        """A fact for each of these ids. No statement when all are kept, two at most."""
        oldest = self._now() - KEPT_SECONDS
        found: dict[Kind, dict[int | None, Fact]] = {}
        missing: dict[Kind, list[int]] = {}
        for kind, ids in mentioned.items():
            kept = self._kept[kind]
            facts = found[kind] = {None: NOTHING}
            absent = []
            for id_ in ids:
                if (fact := kept.get(id_)) is not None and fact.read_at > oldest:
                    facts[id_] = fact
                else:
                    absent.append(id_)
            if absent:
                missing[kind] = absent
        if missing:
            for kind, nodes in (await self._read(connection, missing)).items():
                found[kind] |= self._keep(kind, nodes)
        return dict(found)

    async def _read(
        self, connection: asyncpg.pool.PoolConnectionProxy, missing: dict[Kind, list[int]]
    ) -> dict[Kind, dict[int, Node]]:
        nodes: dict[Kind, dict[int, Node]] = {}
        if systems := missing.pop(Kind.SYSTEM, None):
            nodes[Kind.SYSTEM] = await solar_system_nodes(connection, systems)
        if missing:
            known = await known_of(connection, {id_ for ids in missing.values() for id_ in ids})
            for kind, ids in missing.items():
                nodes[kind] = {id_: node for id_ in ids if (node := _MAKE[kind](known, id_)) is not None}
        return nodes

    def _keep(self, kind: Kind, nodes: Mapping[int, Node]) -> dict[int | None, Fact]:
        facts: dict[int | None, Fact] = {id_: Fact(node, self._now()) for id_, node in nodes.items()}
        kept = self._kept[kind]
        for id_, node in nodes.items():
            kept.pop(id_, None)  # so that the order of the dict is the order of reading
            if _is_whole({name: node[name] for name in _WHOLE[kind]}):
                kept[id_] = facts[id_]
        for id_ in [*islice(kept, max(0, len(kept) - KEPT))]:
            del kept[id_]
        return facts


def _is_whole(value: object) -> bool:
    return all(map(_is_whole, value.values())) if isinstance(value, dict) else value is not None
