"""What was won and lost day by day: of a long history ten thousand days, which Postgres tells column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, overload

import asyncpg
import orjson

# As text, and only days that wait to be folded are added up: groups of numerics and arrays take several times as long.
DAYS = """
    SELECT
        string_agg(to_json(first_day)::text, ',') AS day,
        string_agg(kills::text, ',') AS kills, string_agg(losses::text, ',') AS losses,
        string_agg('"' || round(destroyed, 2) || '"', ',') AS "iskDestroyed",
        string_agg('"' || round(lost, 2) || '"', ',') AS "iskLost"
    FROM (
        SELECT first_day, kills, losses, destroyed, lost FROM ({sums}) AS sums WHERE first_day NOT IN ({apart_days})
        UNION ALL
        SELECT first_day, sum(kills), sum(losses), sum(destroyed), sum(lost)
        FROM (SELECT * FROM ({sums}) AS sums WHERE first_day IN ({apart_days}) UNION ALL {apart}) AS together
        GROUP BY first_day
        ORDER BY first_day
    ) AS by_day
"""
COLUMNS = ("day", "kills", "losses", "iskDestroyed", "iskLost")


class Days(Sequence[Mapping[str, Any]]):
    """`Statistics.daily` of `schema.graphql`: rows, and the same as columns for whoever writes only some of them."""

    def __init__(self, row: asyncpg.Record) -> None:
        """`row`: of `DAYS`."""
        self.columns: dict[str, list[str]] = {name: row[name].split(",") if row[name] else [] for name in COLUMNS}
        """Each value is JSON."""

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        told = [orjson.loads(f"[{','.join(self.columns[name])}]") for name in COLUMNS]
        return [dict(zip(COLUMNS, values, strict=True)) for values in zip(*told, strict=True)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._rows == list(other)

    def __len__(self) -> int:
        return len(self.columns["day"])

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self._rows)

    @overload
    def __getitem__(self, at: int) -> Mapping[str, Any]: ...

    @overload
    def __getitem__(self, at: slice) -> list[Mapping[str, Any]]: ...

    def __getitem__(self, at: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        return self._rows[at]
