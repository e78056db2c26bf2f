"""Nodes (dicts in the schema's shape) as JSON: what is written seldom or remembered, and long lists of plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLOutputType, is_leaf_type, is_list_type, is_non_null_type

from api.compiled.selection import TYPENAME, Field, NotCompiled, Selection


def write_node(selection: Selection, node: Mapping[str, Any]) -> str:
    """The selected fields of a node, as graphql-core would complete them by its default resolvers.

    Raises:
        NotCompiled: one of them has a resolver of its own, or would be an error.
    """
    return "{" + ",".join(f'"{field.key}":{_field(selection, field, node)}' for field in selection.fields) + "}"


def write_rows(selection: Selection, rows: Sequence[Mapping[str, Any]]) -> str:
    """A list of objects whose fields are numbers and text that every scalar tells as they are, in one go.

    Raises:
        NotCompiled: a field is an object or has a resolver.
    """
    names = _plain_fields(selection)
    typename = selection.type_name
    return orjson.dumps(
        [{k: typename if name == TYPENAME else row[name] for k, name in names} for row in rows]
    ).decode()


def write_columns(selection: Selection, columns: Mapping[str, Sequence[str]]) -> str:
    """The same of objects that came column by column, each value as JSON.

    Raises:
        NotCompiled: as `write_rows`.
    """
    names = _plain_fields(selection)
    typenames = [f'"{selection.type_name}"'] * max(map(len, columns.values()))
    chosen = [typenames if name == TYPENAME else columns[name] for _, name in names]
    one = "{" + ",".join(f'"{key}":%s' for key, _ in names) + "}"
    return "[" + ",".join(map(one.__mod__, zip(*chosen, strict=True))) + "]"


def _plain_fields(selection: Selection) -> list[tuple[str, str]]:
    for field in selection.fields:
        if field.of is not None or field.has_resolver:
            raise NotCompiled(f"{selection.type_name}.{field.name}")
    return [(field.key, field.name) for field in selection.fields]


def _field(selection: Selection, field: Field, node: Mapping[str, Any]) -> str:
    if field.name == TYPENAME:
        return f'"{selection.type_name}"'
    if field.has_resolver:
        raise NotCompiled(f"{selection.type_name}.{field.name}")
    value = node.get(field.name)
    return _unchecked(field, value) if field.type is None else _value(field, field.type, value)


def _unchecked(field: Field, value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(_unchecked(field, one) for one in value) + "]"
    if isinstance(value, datetime):
        return f'"{shown_time(value)}"'
    if field.of is None or value is None:
        return orjson.dumps(value).decode()
    return write_node(field.of, value)


def _value(field: Field, type_: GraphQLOutputType, value: Any) -> str:
    if is_non_null_type(type_):
        if value is None:
            raise NotCompiled(f"{field.name} is null")
        type_ = type_.of_type
    if value is None:
        return "null"
    if is_list_type(type_):
        return "[" + ",".join(_value(field, type_.of_type, one) for one in value) + "]"
    if is_leaf_type(type_):
        try:
            told = type_.coerce_output_value(value)
        except GraphQLError as error:
            raise NotCompiled(f"{field.name} cannot be told") from error
        if told is None:
            raise NotCompiled(f"{field.name} cannot be told")
        return orjson.dumps(told).decode()
    return write_node(field.selection, value)


def shown_time(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
