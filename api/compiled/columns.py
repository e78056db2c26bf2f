"""Rows as columns, and writers that turn a column into JSON: one text per row.

A writer takes all rows at once, so that what is done per value is done by `map`, `zip` and `%`, in C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import compress
from typing import Any

import asyncpg

from api.compiled.entities import EntitiesOfKind, EntityKind
from api.compiled.nodes import shown_time
from api.compiled.selection import TYPENAME, Field, NotCompiled, Selection

Column = Sequence[Any]
_FLAGS = {True: "true", False: "false", None: "null"}
_MOST, _LEAST = 2**31 - 1, -(2**31)
"""Of GraphQL's Int; beyond it the field is an error."""


class Batch:
    """Rows of one table by column. `entities` are there, at the latest when it is written, for every id in them."""

    def __init__(self, size: int, columns: Mapping[str, Column], entities: Mapping[EntityKind, EntitiesOfKind]) -> None:
        self.size = size
        self.entities = entities
        self.columns = dict(columns)

    def __getitem__(self, name: str) -> Column:
        return self.columns[name] if self.size else ()

    def taken(self, indexes: Sequence[int], **more: Column) -> Batch:
        """Some of the rows, in this order, and more columns beside."""
        return _Part(self, len(indexes), lambda column: [column[index] for index in indexes], more)

    def where(self, chosen: Sequence[object]) -> Batch:
        """The rows for which `chosen` is true."""
        return _Part(self, sum(map(bool, chosen)), lambda column: [*compress(column, chosen)], {})


class _Part(Batch):
    """A column is only made when it is asked for."""

    def __init__(self, source: Batch, size: int, take: Callable[[Column], Column], more: Mapping[str, Column]) -> None:
        super().__init__(size, more, source.entities)
        self._source, self._take = source, take

    def __getitem__(self, name: str) -> Column:
        column = self.columns.get(name)
        if column is None:
            column = self.columns[name] = self._take(self._source[name]) if self.size else ()
        return column


def columns_of(rows: Sequence[asyncpg.Record]) -> Mapping[str, Column]:
    """The columns of a statement's rows; none are told when there are no rows."""
    return dict(zip(rows[0].keys(), zip(*rows, strict=True), strict=True)) if rows else {}


Writer = Callable[[Batch], Sequence[str]]


def checked(batch: Batch, column: str, field: Field) -> Column:
    """The column's values.

    Raises:
        NotCompiled: null is in it and must not be.
    """
    values = batch[column]
    if field.required and None in values:
        raise NotCompiled(f"{field.name} is null")
    return values


def identity(column: str, field: Field) -> Writer:
    """An EVE id as ID."""

    def write(batch: Batch) -> Sequence[str]:
        return [f'"{value}"' if value is not None else "null" for value in checked(batch, column, field)]

    return write


def small_integer(column: str, field: Field) -> Writer:
    """A number as Int."""
    bounded = field.type is not None

    def write(batch: Batch) -> Sequence[str]:
        values = checked(batch, column, field)
        numbers = [value for value in values if value is not None] if None in values else values
        if bounded and numbers and not _LEAST <= min(numbers) <= max(numbers) <= _MOST:
            raise NotCompiled(f"{field.name} is too large")
        return _numbers(values)

    return write


def floating(column: str, field: Field) -> Writer:
    """A number as Float."""

    def write(batch: Batch) -> Sequence[str]:
        return ["null" if value is None else repr(float(value)) for value in checked(batch, column, field)]

    return write


def flag(column: str, field: Field) -> Writer:
    """A Boolean."""

    def write(batch: Batch) -> Sequence[str]:
        return [*map(_FLAGS.__getitem__, checked(batch, column, field))]

    return write


def big_integer(column: str, field: Field) -> Writer:
    """A number as BigInt."""

    return lambda batch: _numbers(checked(batch, column, field))


def _numbers(values: Column) -> Sequence[str]:
    if None in values:
        return ["null" if value is None else str(value) for value in values]
    return [*map(str, values)]


def moment(column: str, field: Field) -> Writer:
    """A DateTime."""

    def text(value: datetime | None) -> str:
        return "null" if value is None else f'"{shown_time(value)}"'

    return lambda batch: [*map(text, checked(batch, column, field))]


def isk(column: str, field: Field) -> Writer:
    """An amount as ISK."""

    def write(batch: Batch) -> Sequence[str]:
        return ["null" if value is None else f'"{value:.2f}"' for value in checked(batch, column, field)]

    return write


def plain_text(column: str, field: Field) -> Writer:
    """Text that holds nothing to be escaped: a day, a cursor."""

    def write(batch: Batch) -> Sequence[str]:
        return ["null" if value is None else f'"{value}"' for value in checked(batch, column, field)]

    return write


def entity(kind: EntityKind, column: str, field: Field) -> Writer:
    """What the ids in a column stand for."""
    selection = field.selection

    def write(batch: Batch) -> Sequence[str]:
        return [*map(batch.entities[kind].texts(selection).__getitem__, checked(batch, column, field))]

    return write


def objects(selection: Selection, writer_of: Callable[[Field], Writer]) -> Writer:
    """An object per row: `writer_of` gives the writer of each field."""
    parts: list[str] = []
    writers: list[Writer] = []
    for field in selection.fields:
        if field.name == TYPENAME:
            parts.append(f'"{field.key}":"{selection.type_name}"')
        else:
            parts.append(f'"{field.key}":%s')
            writers.append(writer_of(field))
    template = "{" + ",".join(parts) + "}"

    def write(batch: Batch) -> Sequence[str]:
        if not writers or not batch.size:
            return [template] * batch.size
        return [*map(template.__mod__, zip(*(write(batch) for write in writers), strict=True))]

    return write


def one_or_none(write: Writer, source: Batch, indexes: Sequence[int | None]) -> Sequence[str]:
    """For each index the text of that row, `null` where there is none."""
    texts = iter(write(source.taken([index for index in indexes if index is not None])))
    return ["null" if index is None else next(texts) for index in indexes]


def slices(texts: Sequence[str], bounds: Sequence[tuple[int, int]]) -> Sequence[str]:
    """Lists: for each pair the texts from the first to before the second."""
    return ["[" + ",".join(texts[start:end]) + "]" for start, end in bounds]
