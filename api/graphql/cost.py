"""What an operation costs, computed before it runs: by the objects it may bring, `first` and its variables heeded.

An object costs 1, a leaf nothing. A list costs as often as it may be long: a connection's `nodes` and `edges` as long
as its `first` (a ranking as its `top`), any other list `ASSUMED_LENGTH`. `@cost` in `schema.graphql` says what costs
more than it looks. The plan of a document is made once; only the variables are new with each request.

Ariadne's own `cost_validator` takes a variable for its default unless it is made again for each request, and then it
validates with each request, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

MAX_COST = 100_000
"""Of one operation: a page of 100 killmails with everything of everyone costs three quarters of it."""
INTROSPECTION_COST = 200
ASSUMED_LENGTH = 5
SLICING_ARGUMENTS = ("first", "top")
PAGE_FIELDS = frozenset({"nodes", "edges"})


@dataclass(frozen=True, slots=True)
class _Length:
    """How long a list may be: a number, or a variable and what it is when it is not given."""

    number: int
    variable: str | None = None

    def of(self, variables: Mapping[str, Any]) -> int:
        value = self.number if self.variable is None else variables.get(self.variable, self.number)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # as graphql-core takes 1e2 for 100
        # Anything else is refused when the arguments are read.
        return value if type(value) is int and value > 0 else 0


@dataclass(slots=True)
class Plan:
    """What a selection costs beside its lists' lengths."""

    weight: int = 0
    length: _Length | None = None
    """Of the list; None: as long as the page it is in."""
    children: list[Plan] = field(default_factory=list)
    page: _Length | None = None
    """For the lists inside that are its page."""

    def cost(self, variables: Mapping[str, Any]) -> int:
        """The cost with these variables."""
        return self._cost(variables, 1, {})

    def _cost(self, variables: Mapping[str, Any], page: int, known: dict[tuple[int, int], int]) -> int:
        # A fragment's plan is one object wherever it is spread: fragments that double cost no time to add up.
        key = (id(self), page)
        if key not in known:
            inside = page if self.page is None else self.page.of(variables)
            length = page if self.length is None else self.length.of(variables)
            known[key] = length * (self.weight + sum(child._cost(variables, inside, known) for child in self.children))
        return known[key]


ONE = _Length(1)


class CostPlans:
    """Makes the plans of a schema's documents."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema

    def of(self, document: DocumentNode) -> dict[str | None, Plan]:
        """The plan of each operation by its name; a document with one operation has it under None, too."""
        making = _Making(self._schema, document)
        plans: dict[str | None, Plan] = {}
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                root = self._schema.get_root_type(definition.operation)
                assert root is not None  # noqa: S101 - the document is valid
                plan = making.selection(definition, definition.selection_set, root)
                plans[None] = plans[definition.name.value if definition.name else None] = plan
        return plans


class _Making:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._made: dict[tuple[int, str], Plan] = {}

    def selection(self, operation: OperationDefinitionNode, selections: SelectionSetNode, parent: Any) -> Plan:
        plan = Plan(length=ONE)
        for node in selections.selections:
            if isinstance(node, FieldNode):
                if (child := self._field(operation, node, parent)) is not None:
                    plan.children.append(child)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = parent if condition is None else self._schema.type_map[condition.name.value]
                plan.children.append(self.selection(operation, node.selection_set, inner))
            elif isinstance(node, FragmentSpreadNode):
                plan.children.append(self._fragment(operation, node.name.value))
        return plan

    def _fragment(self, operation: OperationDefinitionNode, name: str) -> Plan:
        key = (id(operation), name)
        if key not in self._made:
            fragment = self._fragments[name]
            on = self._schema.type_map[fragment.type_condition.name.value]
            self._made[key] = self.selection(operation, fragment.selection_set, on)
        return self._made[key]

    def _field(self, operation: OperationDefinitionNode, node: FieldNode, parent: Any) -> Plan | None:
        if node.name.value.startswith("__"):
            return None if node.name.value == "__typename" else Plan(INTROSPECTION_COST, ONE)
        if not isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
            return None
        definition = parent.fields[node.name.value]
        extra = _extra(definition)
        named = get_named_type(definition.type)
        if is_leaf_type(named):
            return Plan(extra, ONE) if extra else None
        inner = self.selection(operation, node.selection_set, named) if node.selection_set else Plan()
        page = self._slice(operation, node, definition)
        if not _is_list(definition.type):
            return Plan(1 + extra, ONE, [inner], page)
        in_page = _is_page(parent.name, node.name.value)
        return Plan(1 + extra, None if in_page else page or _Length(ASSUMED_LENGTH), [inner])

    def _slice(self, operation: OperationDefinitionNode, node: FieldNode, definition: GraphQLField) -> _Length | None:
        """How many the field is asked for, if it has such an argument."""
        name = next((name for name in SLICING_ARGUMENTS if name in definition.args), None)
        if name is None:
            return None
        default = definition.args[name].default
        written = default.literal if default is not None else None
        given = next((argument.value for argument in node.arguments or () if argument.name.value == name), None)
        otherwise = _number(written, ASSUMED_LENGTH)
        if isinstance(given, VariableNode):
            return _Length(_default_of(operation, given.name.value, otherwise), given.name.value)
        return _Length(_number(given, otherwise))


def _default_of(operation: OperationDefinitionNode, variable: str, otherwise: int) -> int:
    for definition in operation.variable_definitions or ():
        if definition.variable.name.value == variable:
            return _number(definition.default_value, otherwise)
    return otherwise


def _number(value: ValueNode | None, otherwise: int) -> int:
    return int(value.value) if isinstance(value, IntValueNode) else otherwise


def _extra(definition: GraphQLField) -> int:
    """What `@cost` says of the field and of its type."""
    named: Any = get_named_type(definition.type)
    total = 0
    for node in (definition.ast_node, named.ast_node):
        for directive in (node.directives if node is not None else None) or ():
            if directive.name.value == "cost" and directive.arguments:
                total += _number(directive.arguments[0].value, 0)
    return total


def _is_page(parent: str, name: str) -> bool:
    """Whether the list is as long as its connection's `first`, or a ranking as its statistics' `top`."""
    if parent == "Statistics":
        return name.startswith("top")
    return parent.endswith(("Connection", "Page")) and name in PAGE_FIELDS


def _is_list(of: Any) -> bool:
    return is_list_type(of.of_type if is_non_null_type(of) else of)
