"""What the client selected, so that one query reads what is asked for and no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
)


def selects(info: GraphQLResolveInfo[Any], *path: str) -> bool:
    """Whether this field's selection holds the field at `path`, fragments followed.

    `@skip` and `@include` are not looked at: reading too much is only slower.
    """
    nodes: Sequence[FieldNode] = info.field_nodes
    for name in path:
        nodes = [field for field in _fields(info, nodes) if field.name.value == name]
    return bool(nodes)


def _fields(info: GraphQLResolveInfo[Any], nodes: Sequence[FieldNode]) -> Iterator[FieldNode]:
    """The fields below these. A fragment is followed once: a chain of those that hold the next one twice doubles."""
    followed: set[str] = set()

    def fields(selection_set: SelectionSetNode | None) -> Iterator[FieldNode]:
        for node in selection_set.selections if selection_set is not None else ():
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from fields(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in followed:
                followed.add(node.name.value)
                yield from fields(info.fragments[node.name.value].selection_set)

    for node in nodes:
        yield from fields(node.selection_set)
