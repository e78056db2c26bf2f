"""What is selected of an object, as a tree without fragments and conditions: by a client, or by us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_non_null_type,
    is_object_type,
    parse,
)
from graphql.execution.collect_fields import FieldDetails, FieldDetailsList, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues

TYPENAME = "__typename"


class NotCompiled(Exception):
    """This cannot be planned or written here: graphql-core completes it. The message names the field."""


class SelectedField(Protocol):
    """A field of a client's operation whose selection is wanted: what a resolver is given (`GraphQLResolveInfo`)."""

    @property
    def schema(self) -> GraphQLSchema: ...
    @property
    def parent_type(self) -> GraphQLObjectType: ...
    @property
    def field_name(self) -> str: ...
    @property
    def return_type(self) -> GraphQLOutputType: ...
    @property
    def field_nodes(self) -> list[FieldNode]: ...
    @property
    def operation(self) -> OperationDefinitionNode: ...
    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]: ...
    @property
    def variable_values(self) -> VariableValues: ...


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of the answer. `of` is what is selected of an object.

    `type` is None for `__typename`, and where nobody but us reads the answer: then nothing is checked against the
    schema.
    """

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


@dataclass(slots=True, eq=False)
class Selection:
    """The fields of one object, in the order of the answer."""

    type_name: str
    fields: tuple[Field, ...]


def selected(document: str) -> Selection:
    """A selection of ours: a query of plain fields and fragments, without a schema.

    A fragment may hold itself, for things in things. A selection set is either fields or one fragment.
    """
    query, *fragments = parse(document).definitions
    assert isinstance(query, OperationDefinitionNode)  # noqa: S101 - a constant of ours
    definitions = {one.name.value: one for one in fragments if isinstance(one, FragmentDefinitionNode)}
    return _Ours(definitions).of(query.selection_set)


class _Ours:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Selection] = {}

    def of(self, selection_set: SelectionSetNode) -> Selection:
        first = selection_set.selections[0]
        if isinstance(first, FragmentSpreadNode):
            return self._fragment(first.name.value)
        return Selection("", self._fields(selection_set))

    def _fragment(self, name: str) -> Selection:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = Selection("", ())
            known.fields = self._fields(self._fragments[name].selection_set)
        return known

    def _fields(self, selection_set: SelectionSetNode) -> tuple[Field, ...]:
        nodes = [node for node in selection_set.selections if isinstance(node, FieldNode)]
        return tuple(
            Field(node.name.value, node.name.value, None, self.of(node.selection_set) if node.selection_set else None)
            for node in nodes
        )


def selection_of(field: SelectedField) -> Selection:
    """What a client selected of the object that this field returns.

    Raises:
        NotCompiled: something in it takes arguments, or may be of several types.
    """
    details = [FieldDetails(node, None) for node in field.field_nodes]
    return _Theirs(field).of(get_named_type(field.return_type), details)


def condition_variables(field: SelectedField) -> tuple[str, ...]:
    """The variables that decide what is selected: those in a directive anywhere in the operation or its fragments."""
    names: dict[str, None] = {}
    waiting: list[Any] = [field.operation.selection_set, *(one.selection_set for one in field.fragments.values())]
    while waiting:
        for node in waiting.pop().selections:
            for directive in node.directives or ():
                for argument in directive.arguments or ():
                    if (variable := getattr(argument.value, "name", None)) is not None:
                        names[variable.value] = None
            if (below := getattr(node, "selection_set", None)) is not None:
                waiting.append(below)
    return tuple(names)


class _Theirs:
    """Collects as graphql-core does, so that fragments, aliases and conditions mean what they mean there."""

    def __init__(self, field: SelectedField) -> None:
        self._asked = field
        self._fragments = {name: FragmentDetails(node) for name, node in field.fragments.items()}
        self._known: dict[tuple[Any, ...], Selection] = {}

    def of(self, type_: object, details: FieldDetailsList) -> Selection:
        if not is_object_type(type_):
            raise NotCompiled(str(type_))
        asked = self._asked
        collected = collect_subfields(
            asked.schema, self._fragments, asked.variable_values, asked.operation, type_, details
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
