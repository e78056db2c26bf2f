"""Random GraphQL requests over the whole schema: every field and argument, valid, odd or no document at all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)
from hypothesis import strategies as st

from api.graphql.schema import load_schema
from tests.fuzz.odd_json import ODD_TEXTS, TIMES, damaged, mutated, values

SCHEMA = load_schema()
DEEPEST = 5
IDS = (
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "0",
    "90000010",
    "98000001",
    "99000001",
    "30000142",
    "587",
    "9" * 19,
    "9" * 4_000,
    "-1",
    "x",
)
CURSORS = ("", "AQAGRQYqmoAAAAAAAAAAAQ", "AgAAAAAAAAAB", "AgAAAAAAAAABMTI", "AX__________f_________8", "x", "=" * 99)
LITERALS = (
    "null",
    "$nowhere",
    "[[[1]]]",
    "{a: 1}",
    "1e999",
    "9" * 4_000,
    '""',
    '"""x"""',
    "TRUE",
    "-0",
    '"\\ud800"',
    '"\\u{110000}"',
)
NUMBERS = st.one_of(st.integers(-1, 101), st.sampled_from([2**31 - 1, 2**31, -(2**63), 2**70, 10**24, 10**25]))


@dataclass
class Request:
    """An operation on its way: what is drawn for it so far."""

    draw: st.DrawFn
    definitions: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    left: int = 25
    """Fields that may still be asked for."""

    def selection(self, of: GraphQLObjectType, depth: int) -> str:
        names = [name for name, one in of.fields.items() if depth > 0 or is_leaf_type(get_named_type(one.type))]
        chosen = self.draw(st.lists(st.sampled_from(["__typename", *names]), min_size=1, max_size=4 if depth else 2))
        parts = [self.field(of, name, depth) for name in chosen if self.left > 0]
        return "{ " + " ".join(parts or ["__typename"]) + " }"

    def field(self, of: GraphQLObjectType, name: str, depth: int) -> str:
        self.left -= 1
        if name == "__typename":
            return name
        definition = of.fields[name]
        # The same field twice must be the same in everything.
        alias = f"a{self.left}: " if definition.args or self.draw(st.integers(0, 5)) == 0 else ""
        below = get_named_type(definition.type)
        inner = " " + self.selection(below, depth - 1) if isinstance(below, GraphQLObjectType) else ""
        condition = self.draw(st.sampled_from([""] * 30 + [" @skip(if: false)", " @include(if: true)", " @nobody"]))
        return alias + name + self.arguments(definition.args) + condition + inner

    def arguments(self, known: dict[str, GraphQLArgument]) -> str:
        given = []
        for name, argument in known.items():
            if is_required_argument(argument) or self.draw(st.booleans()):
                given.append(f"{name}: {self.value(argument.type, name)}")
        return f"({', '.join(given)})" if given else ""

    def value(self, of: Any, name: str) -> str:
        """A literal, or a variable with what is sent for it."""
        drawn = self.draw(st.integers(0, 40))
        if drawn == 0:
            return self.draw(st.sampled_from(LITERALS))
        plain = self.json(of, name)
        if drawn < 12:
            variable = f"v{len(self.variables)}"
            default = f" = {literal(of, plain)}" if drawn == 1 and not is_non_null_type(of) else ""
            self.definitions.append(f"${variable}: {of}{default}")
            self.variables[variable] = self.draw(values) if drawn == 2 else plain
            return f"${variable}"
        return literal(of, plain)

    def json(self, of: Any, name: str) -> Any:
        if is_non_null_type(of):
            return self.json(of.of_type, name)
        if self.draw(st.integers(0, 50)) == 0:
            return None
        if is_list_type(of):
            return [self.json(of.of_type, name) for _ in range(self.draw(st.sampled_from([0, 1, 2, 200])))]
        if isinstance(of, GraphQLEnumType):
            return self.draw(st.sampled_from(sorted(of.values)))
        if isinstance(of, GraphQLInputObjectType):
            chosen = self.draw(st.lists(st.sampled_from(sorted(of.fields)), max_size=5, unique=True))
            required = [one for one, known in of.fields.items() if is_non_null_type(known.type)]
            return {one: self.json(of.fields[one].type, one) for one in {*chosen, *required}}
        match of.name:
            case "Boolean":
                return self.draw(st.booleans())
            case "Int" | "BigInt" | "Float":
                return self.draw(NUMBERS)
            case "ID":
                return self.draw(st.sampled_from(IDS))
            case "DateTime":
                return self.draw(st.sampled_from([*TIMES, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00+01:00"]))
            case "ISK":
                return self.draw(
                    st.one_of(
                        NUMBERS,
                        NUMBERS.map(str),
                        st.sampled_from(["1e23", "1e-9999", "1E-20000", "1E999999999", "NaN", "-1.5"]),
                    )
                )
        return self.draw(st.one_of(st.sampled_from([*CURSORS, *ODD_TEXTS[:12], "ada"]), st.text(max_size=9)))


def literal(of: Any, value: Any) -> str:
    """As it stands in a document."""
    of = of.of_type if is_non_null_type(of) else of
    if isinstance(value, list) and is_list_type(of):
        return "[" + ", ".join(literal(of.of_type, one) for one in value) + "]"
    if isinstance(value, dict) and isinstance(of, GraphQLInputObjectType):
        return "{" + ", ".join(f"{name}: {literal(of.fields[name].type, one)}" for name, one in value.items()) + "}"
    return str(value) if isinstance(of, GraphQLEnumType) and value is not None else json.dumps(value)


@st.composite
def operations(draw: st.DrawFn, kinds: tuple[str, ...] = ("query", "query", "query", "mutation")) -> dict[str, Any]:
    """The JSON of a request for one operation."""
    kind = draw(st.sampled_from(kinds))
    root = {"query": SCHEMA.query_type, "mutation": SCHEMA.mutation_type, "subscription": SCHEMA.subscription_type}[
        kind
    ]
    assert root is not None
    request = Request(draw)
    # A subscription has one field.
    selected = (
        "{ " + request.field(root, draw(st.sampled_from(sorted(root.fields))), DEEPEST) + " }"
        if kind == "subscription"
        else request.selection(root, DEEPEST)
    )
    definitions = f" ({', '.join(request.definitions)})" if request.definitions else ""
    return {"query": f"{kind} Drawn{definitions} {selected}", "variables": request.variables, "operationName": "Drawn"}


SOUP = (
    *(
        "query",
        "{",
        "}",
        "(",
        ")",
        "...",
        "on",
        "fragment",
        "F",
        "@skip",
        "$",
        ":",
        "!",
        "[",
        "]",
        "killmails",
        "nodes",
    ),
    *("id", "__schema", "__typename", "&", "|", "=", '"', '"""', "#", ",", "1e9", "\ufeff", "\n", "subscription", "me"),
)
documents = st.one_of(
    st.lists(st.sampled_from(SOUP), max_size=25).map(" ".join),
    st.text(max_size=60),
    st.sampled_from(
        [
            "{" * 3_000,
            "{a" * 5_000 + "}" * 5_000,
            "{ me { id } }" * 900,
            "query ($a: " + "[" * 9_000 + "Int" + "]" * 9_000 + ") { me { id } }",
            "{ killmails(filter: " + "{victim: " * 3_000 + "1" + "}" * 3_000 + ") { totalCount } }",
            "fragment A on Query { ...B } fragment B on Query { ...A } { ...A }",
            "query A { " + " ".join(f"a{number}: me {{ id }}" for number in range(2_000)) + " }",
            "{ " + "...F " * 5_000 + "} fragment F on Query { me { id } }",
            "{ " + "me { id } " * 5_000 + "}",
            "{ me " + "@skip(if: false) " * 3_000 + "{ id } }",
            "query (" + " ".join(f"$v{number}: Int" for number in range(4_000)) + ") { me { id } }",
            "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(30))
            + "fragment F30 on Query { me { id } } { ...F0 }",
            "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
            '{ killmail(id: """' + "x" * 50_000 + '""") { id } }',
        ]
    ),
)
"""What may be no document."""
bodies = st.one_of(
    *[operations().map(json.dumps).map(str.encode)] * 6,
    damaged(mutated(operations())),
    documents.map(lambda text: json.dumps({"query": text}).encode()),
    st.lists(operations(), max_size=3).map(lambda batch: json.dumps(batch).encode()),
    damaged(
        mutated(
            st.just(
                {
                    "query": "query ($id: ID!) { killmail(id: $id) { id } }",
                    "variables": {"id": "1"},
                    "operationName": None,
                    "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}},
                }
            )
        )
    ),
)
"""The body of a POST to /graphql."""
