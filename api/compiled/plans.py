"""Plans: what to read for a selection, and the writer of it. A client's are kept by the nodes they were made for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from api.compiled.columns import Writer
from api.compiled.entities import EntityKind
from api.compiled.needs import Needs, Table, compiled
from api.compiled.page import Page
from api.compiled.selection import NotCompiled, SelectedField, Selection, condition_variables, selection_of

REMEMBERED = 512
"""Fields of documents whose plans are kept."""
MOST_VARIANTS = 16
"""Plans of one field, by the variables of its conditions."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read, and the writer of what was read."""

    needs: Needs
    write: Writer

    @classmethod
    def of(cls, table: Table, selection: Selection) -> Plan:
        """The plan of a selection.

        Raises:
            NotCompiled: a field in it is in no table.
        """
        needs = Needs()
        return cls(needs, compiled(table, selection, needs))

    def mentioned(self, pages: Iterable[Page]) -> dict[EntityKind, set[Any]]:
        """The ids on these killmails whose entities are wanted."""
        mentioned: dict[EntityKind, set[Any]] = {}
        types = mentioned[EntityKind.TYPE] = set()
        for page in pages:
            for kind, column in self.needs.entities_of_killmails:
                mentioned.setdefault(kind, set()).update(page[column])
            for kind, column in self.needs.entities_of_participants:
                mentioned.setdefault(kind, set()).update(page.participants[column])
            types.update(page.item_type_ids())
            types.update(page.related()[0]["ship_type_id"])
        for ids in mentioned.values():
            ids.discard(None)
        return mentioned


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A field of a document: its nodes (kept alive, so that their identities stay theirs) and its plans, or why it has
    none."""

    nodes: tuple[object, ...]
    conditions: tuple[str, ...]
    plans: dict[tuple[Any, ...], Plan | NotCompiled] = field(default_factory=dict)


class ClientPlans:
    """The plans of what clients select. A document that is remembered (`api.graphql.documents`) keeps its plans."""

    def __init__(self) -> None:
        self._remembered: OrderedDict[tuple[int, ...], _Remembered] = OrderedDict()

    def of(self, table: Table, selected: SelectedField) -> Plan:
        """The plan of what is selected below this field.

        Raises:
            NotCompiled: there is none.
        """
        nodes = tuple(selected.field_nodes)
        key = tuple(map(id, nodes))
        remembered = self._remembered.get(key)
        if remembered is None:
            remembered = self._remembered[key] = _Remembered(nodes, condition_variables(selected))
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        else:
            self._remembered.move_to_end(key)
        variant = tuple(selected.variable_values.coerced.get(name) for name in remembered.conditions)
        if variant not in remembered.plans:
            if len(remembered.plans) >= MOST_VARIANTS:
                remembered.plans.clear()
            remembered.plans[variant] = _plan_or_reason(table, selected)
        plan = remembered.plans[variant]
        if isinstance(plan, NotCompiled):
            raise NotCompiled(*plan.args)
        return plan


def _plan_or_reason(table: Table, selected: SelectedField) -> Plan | NotCompiled:
    try:
        return Plan.of(table, selection_of(selected))
    except NotCompiled as reason:
        return NotCompiled(*reason.args)
