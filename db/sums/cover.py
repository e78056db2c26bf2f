"""A period as sums cover it: whole months and days from the sums, and what is left of its first and last day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from db.sums.rows import Span

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 11, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """Sums of one span, whose first day is from `since` to before `until`."""

    span: Span
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Cover:
    """`days`: all whole days. `pieces`: the same time in as few spans as there are. `edges`: times before and after.

    `without_months`: the same for a subject that has none.
    """

    days: Piece | None
    pieces: tuple[Piece, ...]
    without_months: tuple[Piece, ...]
    edges: tuple[tuple[datetime, datetime], ...]


def cover(since: datetime | None, until: datetime | None) -> Cover:
    """How to add up what was from `since` to before `until`; None: without bound."""
    since, until = _within(since), _within(until)
    first = date.min if since is None else (since + _DAY - timedelta(microseconds=1)).date()
    last = date.max if until is None else until.date()
    if first > last:
        # Within one day.
        assert since is not None  # noqa: S101 - only a bound makes `first` later than anything
        assert until is not None  # noqa: S101 - as above
        return Cover(None, (), (), ((since, until),) if since < until else ())
    edges = []
    if since is not None and since < _midnight(first):
        edges.append((since, _midnight(first)))
    if until is not None and _midnight(last) < until:
        edges.append((_midnight(last), until))
    days = Piece(Span.DAY, first, last)
    pieces = tuple(_pieces(first, last))
    return Cover(days, pieces, pieces if pieces[0].span is Span.EVER else (days,), tuple(edges))


def _pieces(first: date, last: date) -> Iterator[Piece]:
    if (first, last) == (date.min, date.max):
        yield Piece(Span.EVER, date.min, date.max)
        return
    months_from = first if first in (date.min, first.replace(day=1)) else _next_month(first)
    months_to = last if last == date.max else last.replace(day=1)
    if months_from >= months_to:
        yield Piece(Span.DAY, first, last)
        return
    for piece in (
        Piece(Span.DAY, first, months_from),
        Piece(Span.MONTH, months_from, months_to),
        Piece(Span.DAY, months_to, last),
    ):
        if piece.since < piece.until:
            yield piece


def _within(at: datetime | None) -> datetime | None:
    """In UTC, and so that a day can be added; there are no killmails beyond."""
    if at is None:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    if at <= _FIRST:
        return _FIRST
    return min(at, _LAST).astimezone(UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
