"""`docs/graphql.md`: the reference of the schema, written from `schema.graphql` and the examples of `docs/queries`.

`python -m api.graphql.reference` writes it (`make reference`); a test says when that was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    print_ast,
)

from api.graphql.schema import load_schema

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "graphql.md"
EXAMPLES = ROOT / "docs" / "queries"
_INTRODUCTION = """\
# The GraphQL API

<!-- Written by `make reference` from schema.graphql and docs/queries; edit those. -->

`POST /graphql` with a JSON body (`query`, `variables`, `operationName`), with the site's session or with an API key
(`Authorization: Bearer krk_…`, created in Settings). Lists are Relay connections: `first` and `after` page through
them, and a cursor stays valid while new killmails arrive. Errors have `extensions.code`; problems that a mutation's
caller can fix are data, in `userErrors`. A browser that opens `/graphql` gets an explorer.

Anonymous callers see no killmails. A pilot sees those with a character of their account, and the boards open to them. A
filter narrows that, whoever it names.
"""
_ROOTS = {"Query": "Queries", "Mutation": "Mutations", "Subscription": "Subscriptions"}


def reference() -> str:
    """The whole page, in Markdown."""
    schema = load_schema()
    parts = [_INTRODUCTION, "## Examples\n", *_examples()]
    for name, title in _ROOTS.items():
        parts += [f"## {title}\n", *_fields(schema, name)]
    kinds: tuple[tuple[str, type[GraphQLNamedType]], ...] = (
        ("Objects", GraphQLObjectType),
        ("Inputs", GraphQLInputObjectType),
        ("Enums", GraphQLEnumType),
        ("Scalars", GraphQLScalarType),
    )
    for title, kind in kinds:
        parts.append(f"## {title}\n")
        for name in sorted(schema.type_map):
            if isinstance(schema.type_map[name], kind) and not name.startswith("__") and name not in _ROOTS:
                parts += _type(schema, name)
    return "\n".join(parts).rstrip() + "\n"


def examples() -> dict[str, str]:
    """The examples: documents by name. The first line of each, a comment, says what it is for."""
    return {path.stem: path.read_text() for path in sorted(EXAMPLES.glob("*.graphql"))}


def _examples() -> Iterator[str]:
    for text in examples().values():
        title, _, document = text.partition("\n")
        yield f"{title.removeprefix('# ')}:\n\n```graphql\n{document.rstrip()}\n```\n"


def _type(schema: GraphQLSchema, name: str) -> Iterator[str]:
    kind = schema.type_map[name]
    yield f"### {name}\n"
    yield f"{_flat(kind.description)}\n"
    if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
        yield from _fields(schema, name)
    elif isinstance(kind, GraphQLEnumType):
        yield "| value | |\n|---|---|"
        yield from (f"| `{value}` | {_flat(told.description)} |" for value, told in kind.values.items())
        yield ""


def _fields(schema: GraphQLSchema, name: str) -> Iterator[str]:
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType | GraphQLInputObjectType)  # noqa: S101 - the callers look
    fields: Mapping[str, GraphQLField | GraphQLInputField] = kind.fields
    yield "| field | type | |\n|---|---|---|"
    for field, told in fields.items():
        words = _flat(told.description)
        if isinstance(told, GraphQLField) and told.args:
            words += "".join(_argument(argument, about) for argument, about in told.args.items())
        yield f"| `{field}` | `{told.type}` | {words} |"
    yield ""


def _argument(name: str, told: GraphQLArgument) -> str:
    node = told.ast_node
    default = f" = {print_ast(node.default_value)}" if node is not None and node.default_value is not None else ""
    return f"<br>`{name}: {told.type}{default}` {_flat(told.description)}"


def _flat(text: str | None) -> str:
    """On one line of a table."""
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    REFERENCE.write_text(reference())
