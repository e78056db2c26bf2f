"""Charts drawn on the server: their shapes in the units of an SVG, and what each says in words.

A reader without eyes gets the words and the table; everybody else the drawing, with the figures on hover.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from api.site.labels import short_isk
from api.site.period import Period
from contracts.plurals import counted, kills_and_losses

Node = Mapping[str, Any]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WIDTH = 724
CELL, GAP, LEFT, TOP = 26, 2, 52, 24
SHADES = 5
BARS_HEIGHT = 190
MOST_BARS = 92
"""More days than that are drawn by the week, more weeks by the month."""
LINE_HEIGHT = 190
TABLE_ROWS = 15
"""Of a line, whose every point would be too much to read."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle; `style` is its class, `words` what it says on hover."""

    x: float
    y: float
    width: float
    height: float
    style: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a point; `anchor` as in SVG."""

    x: float
    y: float
    words: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Chart:
    """`name` is for ids. `says`: the chart in a sentence. `table`: its figures, a row of headings first."""

    name: str
    title: str
    says: str
    height: float
    shapes: list[Shape]
    labels: list[Label]
    table: Sequence[tuple[str, ...]]
    line: str = ""
    grid: list[float] = field(default_factory=list)
    width: float = WIDTH
    ends: tuple[str, str] | None = None
    """Of a drawing as wide as its place, however high that is: what stands beneath its left and its right end."""


def activity_chart(told: Node) -> Chart | None:
    """When in the week: weekday by hour of EVE time, darker for more. None without a killmail."""
    cells = {(one["weekday"] - 1, one["hour"]): (one["kills"], one["losses"]) for one in told["activity"]}
    if not cells:
        return None
    say = _say(told)
    shades = _shades([kills + losses for kills, losses in cells.values()])
    busiest = max(cells, key=lambda cell: sum(cells[cell]))
    shapes = [Shape(LEFT, TOP, 24 * (CELL + GAP) - GAP, 7 * (CELL - 5 + GAP) - GAP, "h0")]
    for weekday in range(7):
        for hour in range(24):
            kills, losses = cells.get((weekday, hour), (0, 0))
            count = kills + losses
            if not count:
                continue
            shade = shades[count]
            words = f"{WEEKDAYS[weekday]} {hour:02}:00: {say(kills, losses)}"
            x, y = LEFT + hour * (CELL + GAP), TOP + weekday * (CELL - 5 + GAP)
            shapes.append(Shape(x, y, CELL, CELL - 5, f"h{shade}", words))
    labels = [Label(LEFT - 6, TOP + day * (CELL - 5 + GAP) + 17, name[:3], "end") for day, name in enumerate(WEEKDAYS)]
    labels += [Label(LEFT + hour * (CELL + GAP), TOP - 6, f"{hour:02}") for hour in range(0, 24, 3)]
    table = [("Hour", *(day[:3] for day in WEEKDAYS))]
    table += [
        (f"{hour:02}:00", *(str(sum(cells.get((day, hour), (0, 0)))) for day in range(7)))
        for hour in sorted({hour for _, hour in cells})
    ]
    says = f"Busiest: {WEEKDAYS[busiest[0]]} at {busiest[1]:02}:00 EVE time, {say(*cells[busiest])}."
    bottom = TOP + 7 * (CELL - 5 + GAP)
    _legend(shades, bottom + 8, shapes, labels)
    return Chart("activity", "Activity by weekday and hour", says, bottom + 34, shapes, labels, table)


def _shades(counts: list[int]) -> dict[int, int]:
    """The shade of each count, 1 to `SHADES`: each shade has as many cells as another, so that one busy hour does not
    make all others alike."""
    ranked = sorted(counts)
    return {count: 1 + bisect_left(ranked, count) * SHADES // len(ranked) for count in ranked}


def _legend(shades: Mapping[int, int], y: float, shapes: list[Shape], labels: list[Label]) -> None:
    """What each shade in use stands for, beneath the map."""
    x: float = LEFT
    for shade in sorted(set(shades.values())):
        counts = [count for count, its in shades.items() if its == shade]
        low, high = min(counts), max(counts)
        words = f"{low}" if low == high else f"{low} to {high}"
        shapes.append(Shape(x, y, CELL - 5, CELL - 9, f"h{shade}"))
        labels.append(Label(x + CELL, y + 14, words))
        x += 118


def daily_chart(told: Node, period: Period) -> Chart | None:
    """Kills upwards, losses downwards, by day, or by week or month when there are many. None without a killmail.

    Of a place, where nobody's losses are told apart, all are killmails.
    """
    if not told["daily"]:
        return None
    spans = [*_spans(told["daily"], period)]
    of_place = told["losses"] is None
    say = _say(told)
    up = max(span.kills for span in spans)
    down = max(span.losses for span in spans)
    scale = (BARS_HEIGHT - 8) / max(1, up + down)
    axis = 4 + up * scale
    step = WIDTH / len(spans)
    shapes = []
    for number, span in enumerate(spans):
        x, width = number * step, max(1.0, step - min(2.0, step / 4))
        if span.kills:
            words = f"{span.words}: {say(span.kills, 0)}"
            shapes.append(_bar(x, axis - span.kills * scale, width, span.kills * scale, "kills", words))
        if span.losses:
            words = f"{span.words}: {say(0, span.losses)}"
            shapes.append(_bar(x, axis, width, span.losses * scale, "losses", words))
    kills, losses = sum(span.kills for span in spans), sum(span.losses for span in spans)
    ends = (f"{spans[0].first}", f"{spans[-1].last}")
    table: list[tuple[str, ...]] = [("Date", "Killmails") if of_place else ("Date", "Kills", "Losses")]
    table += [
        (span.words, *map(str, (span.kills,) if of_place else (span.kills, span.losses)))
        for span in spans
        if span.kills or span.losses
    ]
    says = f"{say(kills, losses)} from {ends[0]} to {ends[1]}; at most {say(up, down)} per bar."
    title = "Killmails over time" if of_place else "Kills and losses over time"
    return Chart("daily", title, says, BARS_HEIGHT, shapes, [], table, grid=[round(axis, 1)], ends=ends)


def _say(told: Node) -> Callable[[int, int], str]:
    """How kills and losses are said; of a place all are killmails."""
    return _killmails if told["losses"] is None else kills_and_losses


def _killmails(kills: int, losses: int) -> str:
    return counted(kills + losses, "killmail")


def efficiency(told: Node) -> float | None:
    """The share of the ISK destroyed; None where it would say nothing: without kills, and if no loss has a price."""
    if told["efficiency"] is None or not told["kills"] or (told["losses"] and not Decimal(told["iskLost"])):
        return None
    return float(told["efficiency"])


def efficiency_chart(told: Node, period: Period) -> Chart | None:
    """The share of the ISK destroyed in all ISK destroyed and lost since the period began, day by day."""
    if efficiency(told) is None:
        return None
    destroyed = lost = Decimal(0)
    points, table = [], [("Date", "Destroyed", "Lost", "Efficiency")]
    spans = [*_spans(told["daily"], period)]
    step = WIDTH / max(1, len(spans) - 1)
    inner = LINE_HEIGHT - 28
    share = Decimal(0)
    for number, span in enumerate(spans):
        destroyed, lost = destroyed + span.destroyed, lost + span.lost
        if not destroyed + lost:
            continue
        share = destroyed / (destroyed + lost)
        points.append(f"{number * step:.1f},{4 + inner * (1 - float(share)):.1f}")
        if number % -(-len(spans) // TABLE_ROWS) == 0 or number == len(spans) - 1:
            table.append((span.words, short_isk(str(destroyed)), short_isk(str(lost)), f"{share:.0%}"))
    if len(points) == 1:  # a line needs two
        points.append(f"{WIDTH},{points[0].partition(',')[2]}")
    labels = [
        Label(0, 20, "100%"),
        Label(0, inner, "0%"),
        Label(0, LINE_HEIGHT - 4, f"{spans[0].first}"),
        Label(WIDTH, LINE_HEIGHT - 4, f"{spans[-1].last}", "end"),
    ]
    says = f"{share:.0%} overall: {short_isk(str(destroyed))} ISK destroyed, {short_isk(str(lost))} ISK lost."
    return Chart(
        "efficiency",
        "ISK efficiency over time",
        says,
        LINE_HEIGHT,
        [],
        labels,
        table,
        line=" ".join(points),
        grid=[4, 4 + inner / 2, 4 + inner],
    )


@dataclass(slots=True)
class _Span:
    first: date
    last: date
    kills: int = 0
    losses: int = 0
    destroyed: Decimal = Decimal(0)
    lost: Decimal = Decimal(0)

    @property
    def words(self) -> str:
        """Its days."""
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


def _spans(daily: list[Node], period: Period) -> Iterator[_Span]:
    """The period in equal parts, those without a killmail among them."""
    days = {date.fromisoformat(one["day"]): one for one in daily}
    first = period.since.date() if period.since else min(days)
    last = max(datetime.now(UTC).date(), max(days))
    if period.until is not None:
        last = min(last, (period.until - timedelta(days=1)).date())
    length = (last - first).days + 1
    part = 1 if length <= MOST_BARS else 7 if length <= 7 * MOST_BARS else 30
    start = first
    while start <= last:
        span = _Span(start, min(last, start + timedelta(days=part - 1)))
        for offset in range(part):
            one = days.get(start + timedelta(days=offset))
            if one is not None:
                span.kills += one["kills"]
                span.losses += one["losses"]
                span.destroyed += Decimal(one["iskDestroyed"])
                span.lost += Decimal(one["iskLost"])
        yield span
        start += timedelta(days=part)


def _bar(x: float, y: float, width: float, height: float, style: str, words: str) -> Shape:
    return Shape(round(x, 1), round(y, 1), round(width, 1), round(height, 1), style, words)
