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
        nodes = [
            field
            for node in nodes
            if node.selection_set is not None
            for field in _fields(info, node.selection_set)
            if field.name.value == name
        ]
    return bool(nodes)


def _fields(info: GraphQLResolveInfo[Any], selection_set: SelectionSetNode) -> Iterator[FieldNode]:
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(info, node.selection_set)
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(info, info.fragments[node.name.value].selection_set)
