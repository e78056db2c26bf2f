"""How much one document may ask for: depth, aliases, directives, root fields, fragments counted where they are used.

A thousand aliases of one root field fit into 26 kB and mean a thousand queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    visit,
)

MAX_TOKENS = 2_000
MAX_DEPTH = 12
MAX_ALIASES = 30
MAX_INTROSPECTION_ALIASES = 5
"""Of `__schema`, and of all below it and `__type`: each may mean the whole schema once more, and tools use none."""
MAX_DIRECTIVES = 50
MAX_ROOT_FIELDS = 10
MAX_DIGITS = 40
"""Of a number; no scalar of the schema takes more, and Python refuses to read some thousands."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection set comes to."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0  # at its own level
    introspection_aliases: int = 0


def excess(document: DocumentNode) -> str | None:
    """One sentence on the first limit a valid document breaks; None when it breaks none."""
    measure = _Measure(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            size = measure.of(definition.selection_set)
            if size.depth > MAX_DEPTH:
                return f"The document is {size.depth} fields deep; the limit is {MAX_DEPTH}."
            if size.aliases > MAX_ALIASES:
                return f"The document has {size.aliases} aliases; the limit is {MAX_ALIASES}."
            if size.introspection_aliases > MAX_INTROSPECTION_ALIASES:
                told = f"{size.introspection_aliases} aliases in its introspection"
                return f"The document has {told}; the limit is {MAX_INTROSPECTION_ALIASES}."
            directives = size.directives + len(definition.directives or ())
            if directives > MAX_DIRECTIVES:
                return f"The document has {directives} directives; the limit is {MAX_DIRECTIVES}."
            if size.fields > MAX_ROOT_FIELDS:
                return f"The document has {size.fields} root fields; the limit is {MAX_ROOT_FIELDS}."
    return None


def endless_number(document: DocumentNode) -> str | None:
    """One sentence on a number that nothing could take; to be asked before the document is validated."""
    finder = _EndlessNumbers()
    visit(document, finder)
    return f"A number has {MAX_DIGITS} digits at most." if finder.found else None


class _EndlessNumbers(Visitor):
    found = False

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        self.found |= len(node.value) > MAX_DIGITS

    def enter_float_value(self, node: FloatValueNode, *_: object) -> None:
        self.found |= len(node.value) > MAX_DIGITS


class _Measure:
    """Measures selection sets; each fragment once, so that doubling fragments cost nothing."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._sizes: dict[str, Size] = {}

    def of(self, selection_set: SelectionSetNode) -> Size:
        depth = aliases = directives = fields = introspection_aliases = 0
        for size in self._parts(selection_set):
            depth = max(depth, size.depth)
            aliases += size.aliases
            directives += size.directives
            fields += size.fields
            introspection_aliases += size.introspection_aliases
        for node in selection_set.selections:
            directives += len(node.directives or ())
        return Size(depth, aliases, directives, fields, introspection_aliases)

    def _parts(self, selection_set: SelectionSetNode) -> Iterator[Size]:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                yield self._field(node)
            elif isinstance(node, InlineFragmentNode):
                yield self.of(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                yield self._fragment(node.name.value)

    def _field(self, node: FieldNode) -> Size:
        aliased = 1 if node.alias else 0
        if node.selection_set is None:
            return Size(1, aliased, fields=1)
        inner = self.of(node.selection_set)
        if node.name.value.startswith("__"):  # deep by nature, and answered from memory
            again = aliased if node.name.value == "__schema" else 0
            return Size(1, aliased, inner.directives, 1, inner.aliases + again)
        return Size(inner.depth + 1, inner.aliases + aliased, inner.directives, 1, inner.introspection_aliases)

    def _fragment(self, name: str) -> Size:
        if name not in self._sizes:
            self._sizes[name] = self.of(self._fragments[name].selection_set)
        return self._sizes[name]
