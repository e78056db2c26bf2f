"""Statistics of a subject that the viewer may see all of, from its sums: as `schema.graphql` has them, with ids."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import orjson

from db.sums.cover import Piece, cover
from db.sums.days import DAYS, Days
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
_ACTIVITY = """
    SELECT json_build_object(
        'weekday', entity_id / 24, 'hour', entity_id % 24, 'kills', sum(kills), 'losses', sum(losses)
    ) AS told
    FROM ({rows}) AS rows GROUP BY entity_id ORDER BY entity_id
"""
LIKELY = 100
"""So many, the first of all time, are tried first as the first of a period."""

# Who can be among the first: whoever has fewer killmails than the last of them cannot, unless something of theirs is
# not in the sums yet; that is added later. ISK is added up of these alone.
_FIRST_EVER = """
    ARRAY(
        SELECT entity_id FROM killmail_sums WHERE subject_id = $1 AND kind = {kind:d} AND span = {ever:d}
        ORDER BY kills + losses DESC FETCH FIRST {top:d} ROWS WITH TIES
    )
"""
# Nobody has more in a period than of all time. So if the last of the first among the likely has more than the last of
# the likely has of all time, there can be nobody else, and 64,000 sums need not be read. In a short period of a long
# history there can: but whoever has as many as that one has a share of them in one of the period's sums, and few have.
# What is not in the sums yet is of none of the others: whoever it is of is read with the likely.
_OF_PERIOD = """
    WITH likely AS MATERIALIZED (
        SELECT entity_id, kills + losses AS killmails FROM killmail_sums
        WHERE subject_id = $1 AND kind = {kind:d} AND span = {ever:d}
        ORDER BY kills + losses DESC LIMIT {likely:d}
    ),
    their AS MATERIALIZED (
        SELECT
            entity_id, sum(kills) AS kills, sum(losses) AS losses, sum(destroyed) AS destroyed, sum(lost) AS lost
        FROM ({pieces} AND entity_id = ANY (ARRAY(SELECT entity_id FROM likely) || {apart})) AS pieces
        GROUP BY entity_id
    ),
    known AS MATERIALIZED (
        SELECT
            coalesce(least > (SELECT min(killmails) FROM likely), false) AS are_first,
            coalesce(ceil(least::numeric / nullif({sums_of_one}, 0)), 0) AS share
        FROM (SELECT (SELECT kills + losses FROM their ORDER BY 1 DESC OFFSET {top:d} - 1 LIMIT 1) AS least) AS first
    )
    SELECT entity_id, kills, losses, destroyed, lost FROM their WHERE (SELECT are_first FROM known)
    UNION ALL
    SELECT entity_id, kills, losses, destroyed, lost
    FROM ({pieces}) AS pieces
    WHERE (SELECT NOT are_first AND share > 1 FROM known) AND entity_id = ANY ({apart} || ARRAY(
        SELECT DISTINCT entity_id FROM ({pieces}) AS pieces WHERE kills + losses >= (SELECT share FROM known)
    ))
    UNION ALL
    SELECT entity_id, kills, losses, destroyed, lost
    FROM ({pieces}) AS pieces
    WHERE (SELECT NOT are_first AND share <= 1 FROM known) AND entity_id = ANY ({apart} || ARRAY(
        SELECT entity_id FROM ({pieces}) AS pieces GROUP BY entity_id
        ORDER BY sum(kills + losses) DESC FETCH FIRST {top:d} ROWS WITH TIES
    ))
"""
_DAYS_OF = "SELECT {what} FROM killmail_sums WHERE subject_id = $1 AND kind = {kind:d} AND span = {span:d}"
_RANKING = """
    SELECT json_build_object('id', id, 'killmails', killmails, 'isk', round(isk, 2)::text) AS told
    FROM (
        SELECT {id} AS id, sum({killmails}) AS killmails, sum({isk}) AS isk
        FROM ({rows}) AS rows GROUP BY entity_id ORDER BY 2 DESC, 3 DESC, 1 LIMIT {top:d}
    ) AS best
    WHERE killmails > 0
"""
_APART = "SELECT first_day, entity_id, kills, losses, solo, destroyed, lost FROM apart WHERE kind = {kind:d}"
_APART_RANKED = "SELECT entity_id, kills, losses, destroyed, lost FROM apart WHERE kind = {kind:d}"
_NOTHING_ADDED = """
    SELECT 0::bigint AS subject_id, 0::bigint AS killmail_id, 0 AS killmails, 0::numeric AS value, 0 AS solo WHERE false
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

    All of it is of one moment, in which the sums are still kept as they were when that was asked.
    """
    by_month = await connection.fetchval("SELECT by_month FROM summed_subjects WHERE subject_id = $1", asked.subject_id)
    if by_month is None:
        return None
    reading = _Reading(asked, by_month)
    columns = [
        "EXISTS (SELECT FROM summed_subjects WHERE subject_id = $1 AND counted_until = 'infinity'"
        f" AND by_month = {by_month}) AS whole",
        f"(SELECT json_build_object({_TOLD}, 'solo', coalesce(sum(solo), 0))"
        f" FROM ({reading.rows(Kind.ALL)}) AS rows) AS total",
    ]
    listed = [name for name in sections if name != "daily"]
    columns += [
        f"(SELECT coalesce(json_agg(told), '[]') FROM ({reading.section(name)}) AS section) AS \"{name}\""
        for name in listed
    ]
    statement = f"{reading.apart()} SELECT {', '.join(columns)}"
    if "daily" in sections:
        statement += f", daily.* FROM ({reading.daily()}) AS daily"
    row = await connection.fetchrow(statement, *reading.parameters)
    assert row is not None  # noqa: S101 - sums always have a row
    if not row["whole"]:
        return None
    told = {name: orjson.loads(row[name]) for name in ("total", *listed)}
    if "daily" in sections:
        told["daily"] = Days(row)
    return told


class _Reading:
    """The statement's parts and its parameters; `$1` is the subject."""

    def __init__(self, asked: Asked, by_month: bool) -> None:
        self._asked = asked
        self._covered = cover(asked.since, asked.until)
        self._pieces = self._covered.pieces if by_month else self._covered.without_months
        self.parameters: list[Any] = [asked.subject_id]

    def apart(self) -> str:
        """CTEs that end with `apart`: what is in no sums. Killmails of hours, where no whole day is asked for, and, of
        whole days, what waits to be folded."""
        added = []
        if self._covered.edges:
            column = "corporation_id" if self._asked.is_corporation else "character_id"
            times = " OR ".join(
                f"killmail_time >= {self._bind(since)} AND killmail_time < {self._bind(until)}"
                for since, until in self._covered.edges
            )
            added.append(
                whole_killmails(
                    f"SELECT DISTINCT {column} AS subject_id, killmail_id FROM participants"
                    f" WHERE {column} = $1 AND ({times})"
                )
            )
        if self._covered.days is not None:
            since, until = self._bind(self._covered.days.since), self._bind(self._covered.days.until)
            added.append(
                "SELECT waiting.subject_id, waiting.killmail_id, waiting.killmails, waiting.value, waiting.solo"
                " FROM unfolded_sums AS waiting JOIN killmails ON killmails.killmail_id = waiting.killmail_id"
                " WHERE waiting.subject_id = $1 AND (killmails.killmail_time AT TIME ZONE 'UTC')::date >= "
                f"{since}::date AND (killmails.killmail_time AT TIME ZONE 'UTC')::date < {until}::date"
            )
        return f"WITH {rows_of_days(' UNION ALL '.join(added) or _NOTHING_ADDED)}"

    def rows(self, kind: Kind) -> str:
        """All rows of this kind; those of `ALL` by day."""
        days = () if self._covered.days is None else (self._covered.days,)
        pieces = days if kind is Kind.ALL else self._pieces
        return f"{self._of(kind, pieces)} UNION ALL {_APART.format(kind=kind)}"

    def daily(self) -> str:
        """Columns of all days."""
        days = () if self._covered.days is None else (self._covered.days,)
        return DAYS.format(
            sums=self._of(Kind.ALL, days),
            apart=_APART.format(kind=Kind.ALL),
            apart_days=f"SELECT first_day FROM apart WHERE kind = {Kind.ALL:d}",
        )

    def section(self, name: str) -> str:
        """Rows `told` of this section, which is not `daily`."""
        if name == "activity":
            return _ACTIVITY.format(rows=self.rows(Kind.HOUR))
        kind, top = _RANKED[name], self._asked.top
        if kind is Kind.PILOT and not self._asked.is_corporation:
            return _RANKING.format(id="$1", killmails="kills", isk="destroyed", rows=self.rows(Kind.ALL), top=top)
        pieces = self._of(kind, self._pieces)
        apart = f"ARRAY(SELECT entity_id FROM apart WHERE kind = {kind:d})"
        if [piece.span for piece in self._pieces] == [Span.EVER]:
            first = _FIRST_EVER.format(kind=kind, ever=Span.EVER, top=top)
            sums = f"SELECT * FROM ({pieces} AND entity_id = ANY ({first} || {apart})) AS pieces"
        else:
            sums = _OF_PERIOD.format(
                kind=kind,
                ever=Span.EVER,
                likely=max(LIKELY, top),
                pieces=pieces,
                apart=apart,
                top=top,
                sums_of_one=self._sums_of_one(),
            )
        rows = f"SELECT entity_id, kills, losses, destroyed, lost FROM ({sums}) AS sums UNION ALL {_APART_RANKED}"
        rows = rows.format(kind=kind)
        # Of all but systems there are kills alone.
        return _RANKING.format(id="entity_id", killmails="kills + losses", isk="destroyed + lost", rows=rows, top=top)

    def _sums_of_one(self) -> str:
        """How many sums one entity may have in these pieces: one for each day or month in which there is anything."""
        counts = []
        for piece in self._pieces:
            month = piece.span is Span.MONTH
            what = "count(DISTINCT date_trunc('month', first_day))" if month else "count(*)"
            days = _DAYS_OF.format(what=what, kind=Kind.ALL, span=Span.DAY)
            within = f"first_day >= {self._bind(piece.since)} AND first_day < {self._bind(piece.until)}"
            counts.append(f"({days} AND {within})")
        return f"({' + '.join(counts) or '0'})"

    def _of(self, kind: Kind, pieces: Collection[Piece]) -> str:
        """One read: the planner knows how many rows that is, which of a union it does not."""
        times = " OR ".join(
            f"span = {piece.span:d}"
            f" AND first_day >= {self._bind(piece.since)} AND first_day < {self._bind(piece.until)}"
            for piece in pieces
        )
        return (
            "SELECT first_day, entity_id, kills, losses, solo, destroyed, lost FROM killmail_sums"
            f" WHERE subject_id = $1 AND kind = {kind:d} AND ({times or 'false'})"
        )

    def _bind(self, value: date | datetime) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}"
