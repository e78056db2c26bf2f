"""Statistics of a subject that the viewer may see all of, from its sums: as `schema.graphql` has them, with ids."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import orjson

from db.sums.cover import Piece, cover
from db.sums.rows import Kind, Span, rows_of_days, whole_killmails

_TOLD = """
    'kills', coalesce(sum(kills), 0), 'losses', coalesce(sum(losses), 0),
    'iskDestroyed', round(coalesce(sum(destroyed), 0), 2)::text, 'iskLost', round(coalesce(sum(lost), 0), 2)::text
"""
_RANKED = {
    "topShips": Kind.SHIP,
    "topShipsDestroyed": Kind.SHIP_DESTROYED,
    "topSystems": Kind.SYSTEM,
    "topVictims": Kind.VICTIM,
    "topPilots": Kind.PILOT,
}
_SECTION = {
    "daily": f"""
        SELECT jsonb_build_object('day', first_day, {_TOLD}) AS told FROM ({{rows}}) AS rows
        GROUP BY first_day ORDER BY first_day
    """,
    "activity": """
        SELECT jsonb_build_object(
            'weekday', entity_id / 24, 'hour', entity_id % 24, 'kills', sum(kills), 'losses', sum(losses)
        ) AS told
        FROM ({rows}) AS rows GROUP BY entity_id ORDER BY entity_id
    """,
}
# Few are told of many: what they are told as is made of those few alone.
_RANKING = """
    SELECT jsonb_build_object('id', id, 'killmails', killmails, 'isk', round(isk, 2)::text) AS told
    FROM (
        SELECT {id} AS id, {killmails} AS killmails, {isk} AS isk
        FROM ({rows}) AS rows {grouped} ORDER BY 2 DESC, 3 DESC, 1 LIMIT {top:d}
    ) AS best
    WHERE killmails > 0
"""
_NOTHING = """
    SELECT
        NULL::date AS first_day, NULL::bigint AS entity_id, 0 AS kills, 0 AS losses, 0 AS solo,
        0::numeric AS destroyed, 0::numeric AS lost
    WHERE false
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose sums, of when, and how long the rankings are."""

    subject_id: int
    is_corporation: bool
    since: datetime | None
    until: datetime | None
    top: int


async def summed_up(
    connection: asyncpg.pool.PoolConnectionProxy, asked: Asked, sections: Collection[str]
) -> dict[str, Any] | None:
    """`total` and these sections; None: the sums of this subject are not whole, or there are none.

    One statement, so that all of it is of one moment.
    """
    reading = _Reading(asked)
    columns = [
        "EXISTS (SELECT FROM summed_subjects WHERE subject_id = $1 AND counted_until = 'infinity') AS whole",
        f"(SELECT jsonb_build_object({_TOLD}, 'solo', coalesce(sum(solo), 0))"
        f" FROM ({reading.rows(Kind.ALL)}) AS rows) AS total",
    ]
    for name in sections:
        section = reading.section(name)
        columns.append(f"(SELECT coalesce(jsonb_agg(told), '[]') FROM ({section}) AS section) AS \"{name}\"")
    row = await connection.fetchrow(f"{reading.edges()} SELECT {', '.join(columns)}", *reading.parameters)
    assert row is not None  # noqa: S101 - sums always have a row
    if not row["whole"]:
        return None
    return {name: orjson.loads(text) for name, text in row.items() if name != "whole"}


class _Reading:
    """The statement's parts and its parameters; `$1` is the subject."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._covered = cover(asked.since, asked.until)
        self.parameters: list[Any] = [asked.subject_id]

    def edges(self) -> str:
        """What has no whole day is counted: killmails of hours."""
        if not self._covered.edges:
            return ""
        column = "corporation_id" if self._asked.is_corporation else "character_id"
        times = " OR ".join(
            f"killmail_time >= {self._bind(since)} AND killmail_time < {self._bind(until)}"
            for since, until in self._covered.edges
        )
        ids = f"SELECT DISTINCT {column} AS subject_id, killmail_id FROM participants WHERE {column} = $1 AND ({times})"
        return f"WITH {rows_of_days(whole_killmails(ids))}"

    def rows(self, kind: Kind) -> str:
        """All rows of this kind; those of `ALL` by day."""
        days = () if self._covered.days is None else (self._covered.days,)
        pieces = days if kind is Kind.ALL else self._covered.pieces
        told = [self._of(kind, piece) for piece in pieces]
        if self._covered.edges:
            told.append(
                f"SELECT first_day, entity_id, kills, losses, solo, destroyed, lost FROM edges WHERE kind = {kind:d}"
            )
        return " UNION ALL ".join(told) or _NOTHING

    def section(self, name: str) -> str:
        """Rows `told` of this section."""
        if name in _SECTION:
            return _SECTION[name].format(rows=self.rows(Kind.ALL if name == "daily" else Kind.HOUR))
        kind, identity = _RANKED[name], "entity_id"
        if kind is Kind.PILOT and not self._asked.is_corporation:
            kind, identity = Kind.ALL, "$1"
        killmails, isk = ("kills + losses", "destroyed + lost") if kind is Kind.SYSTEM else ("kills", "destroyed")
        grouped = ""
        if kind is Kind.ALL or self._covered.edges or [piece.span for piece in self._covered.pieces] != [Span.EVER]:
            killmails, isk, grouped = f"sum({killmails})", f"sum({isk})", "GROUP BY entity_id"
        return _RANKING.format(
            id=identity, killmails=killmails, isk=isk, rows=self.rows(kind), grouped=grouped, top=self._asked.top
        )

    def _of(self, kind: Kind, piece: Piece) -> str:
        return (
            "SELECT first_day, entity_id, kills, losses, solo, destroyed, lost FROM killmail_sums"
            f" WHERE subject_id = $1 AND kind = {kind:d} AND span = {piece.span:d}"
            f" AND first_day >= {self._bind(piece.since)} AND first_day < {self._bind(piece.until)}"
        )

    def _bind(self, value: date | datetime) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}"
