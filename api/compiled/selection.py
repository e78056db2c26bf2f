"""What a client selected below a field, as a tree without fragments and conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    get_named_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails, FieldDetailsList, FragmentDetails, collect_subfields

TYPENAME = "__typename"


class NotCompiled(Exception):
    """This cannot be planned or written here: graphql-core answers it."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of the answer. `type` is None for `__typename`; `of` is what is selected of an object."""

    key: str
    name: str
    type: GraphQLOutputType | None
    of: Selection | None
    has_resolver: bool = False

    @property
    def required(self) -> bool:
        """Whether null would be a mistake."""
        return is_non_null_type(self.type)

    @property
    def selection(self) -> Selection:
        """What is selected of it; for fields whose type is an object."""
        if self.of is None:
            raise NotCompiled(self.name)
        return self.of


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The fields of one object, in the order of the answer."""

    type_name: str
    fields: tuple[Field, ...]


def selection_of(info: GraphQLResolveInfo[Any]) -> Selection:
    """What is selected of the object that this field returns.

    Raises:
        NotCompiled: something in it takes arguments, or may be of several types.
    """
    collecting = _Collecting(info)
    details = [FieldDetails(node, None) for node in info.field_nodes]
    return collecting.of(get_named_type(info.return_type), details)


def condition_variables(info: GraphQLResolveInfo[Any]) -> tuple[str, ...]:
    """The variables that decide what is selected: those in a directive anywhere in the operation or its fragments."""
    names: dict[str, None] = {}
    waiting: list[Any] = [info.operation.selection_set, *(one.selection_set for one in info.fragments.values())]
    while waiting:
        for node in waiting.pop().selections:
            for directive in node.directives or ():
                for argument in directive.arguments or ():
                    if (variable := getattr(argument.value, "name", None)) is not None:
                        names[variable.value] = None
            if (below := getattr(node, "selection_set", None)) is not None:
                waiting.append(below)
    return tuple(names)


class _Collecting:
    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self._info = info
        self._fragments = {name: FragmentDetails(node) for name, node in info.fragments.items()}
        self._known: dict[tuple[Any, ...], Selection] = {}

    def of(self, type_: object, details: FieldDetailsList) -> Selection:
        if not is_object_type(type_):
            raise NotCompiled(str(type_))
        info = self._info
        collected = collect_subfields(
            info.schema, self._fragments, info.variable_values, info.operation, type_, details
        )
        if collected.new_defer_usages:
            raise NotCompiled("@defer")
        fields = tuple(self._field(type_, key, found) for key, found in collected.grouped_field_set.items())
        # The same selection twice in a document is one object, so that what is written for it is remembered once.
        likeness = (type_.name, *((field.key, field.name, field.of) for field in fields))
        return self._known.setdefault(likeness, Selection(type_.name, fields))

    def _field(self, parent: GraphQLObjectType, key: str, details: Sequence[FieldDetails]) -> Field:
        node: FieldNode = details[0].node
        name = node.name.value
        if name == TYPENAME:
            return Field(key, name, None, None)
        definition = parent.fields[name]
        if definition.args:
            raise NotCompiled(f"{parent.name}.{name}")
        below = None
        if node.selection_set is not None:
            below = self.of(get_named_type(definition.type), list(details))
        return Field(key, name, definition.type, below, definition.resolve is not None)
