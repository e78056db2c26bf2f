"""Random documents over the part of the schema that hangs below a root field, for hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
)
from hypothesis import strategies as st

DEEPEST = 7


@dataclass
class _Document:
    schema: GraphQLSchema
    draw: st.DrawFn
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0

    def selection(self, type_: GraphQLObjectType, depth: int) -> str:
        fields = [
            name
            for name, one in type_.fields.items()
            if not any(map(is_required_argument, one.args.values()))
            and (depth or is_leaf_type(get_named_type(one.type)))
            and (is_leaf_type(get_named_type(one.type)) or is_object_type(get_named_type(one.type)))
        ]
        chosen = self.draw(st.lists(st.sampled_from(["__typename", *fields]), min_size=1, max_size=5))
        return "{ " + " ".join(self.part(type_, name, depth) for name in chosen) + " }"

    def part(self, type_: GraphQLObjectType, name: str, depth: int) -> str:
        text = self.field(type_, name, depth)
        match self.draw(st.integers(0, 9)):
            case 0:
                return f"... on {type_.name}{self.condition()} {{ {text} }}"
            case 1:
                return f"...{self.condition()} {{ {text} __typename }}"
            case 2:
                fragment = f"f{len(self.fragments)}"
                self.fragments.append(f"fragment {fragment} on {type_.name} {{ {text} }}")
                return f"...{fragment}{self.condition()}"
        return text

    def field(self, type_: GraphQLObjectType, name: str, depth: int) -> str:
        alias = ""
        if self.aliases < 20 and self.draw(st.integers(0, 4)) == 0:
            self.aliases += 1
            alias = f"a{self.aliases}: "
        if name == "__typename":
            return alias + name + self.condition()
        below = get_named_type(type_.fields[name].type)
        selected = " " + self.selection(below, depth - 1) if is_object_type(below) else ""
        return alias + name + self.condition() + selected

    def condition(self) -> str:
        return self.draw(
            st.sampled_from(["", "", "", "", "", "", " @skip(if: $yes)", " @include(if: $no)", " @include(if: true)"])
        )


@st.composite
def documents(draw: st.DrawFn, schema: GraphQLSchema, operation: str, type_name: str) -> str:
    """An operation, with a random selection of that type where it says `%s`, and the variables `$yes` and `$no`."""
    document = _Document(schema, draw)
    type_ = schema.type_map[type_name]
    assert is_object_type(type_)
    selection = document.selection(type_, DEEPEST)
    uses = "{ uses: __typename @skip(if: $yes) @include(if: $no)"
    kind, _, rest = operation.partition(" ")
    text = rest % selection.replace("{", uses, 1)
    return f"{kind} ($yes: Boolean!, $no: Boolean!) {text} " + " ".join(document.fragments)


def everything(type_: GraphQLObjectType, *above: GraphQLObjectType) -> str:
    """A selection of every field there is; of things in things, the first ones' own."""
    parts = ["__typename"]
    for name, one in type_.fields.items():
        below = get_named_type(one.type)
        if is_leaf_type(below):
            parts.append(name)
        elif is_object_type(below) and below not in above:
            parts.append(f"{name} {everything(below, *above, type_)}")
    return "{ " + " ".join(parts) + " }"
