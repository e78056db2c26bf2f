"""`docs/benchmarks.md`: rendered from the records and from what each bench says of itself, nothing by hand.

python -m sandbox.benches.page   (after a change of a docstring; `killreport bench --write` does it by itself)
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.benches import beside
from sandbox.benches.catalogue import BENCHES, AnyBench
from sandbox.benches.records import FILE, Record, read, write

PAGE = Path("docs/benchmarks.md")
PREFACE = """# Benchmarks

Written by `make bench` itself, which measures all of them; `killreport bench NAME… --write` renews some. Each compares
with a named alternative in the same run, and ends with an error when a goal is missed. The ratios count; absolute
figures are of the machine named with them. *Load* is the average number of runnable processes before and after: above
the number of cores a clock also shows what else was running, and processor time is the figure to believe.

Most benches read a made-up war of a million killmails, skewed like the game: 8 attackers and 10 items on average, one
killmail with 3,000 attackers. The first of them makes it in `.killreport/bench`, where it is kept; `--seed N` makes a
smaller one; `--pilots N` is the size of `rebirth`, `--seconds N` the time of `pilots`, `two-workers` and `memory`.
Everything is on loopback and one machine: Postgres, what is measured, and who asks.
""".splitlines()
_NEVER = "not measured since the page is written by the bench"


def keep(name: str, record: Record) -> None:
    """In place of what was measured before."""
    records = {**read(FILE), name: record}
    write(FILE, records)
    renew()


def renew() -> None:
    """From what is kept."""
    PAGE.write_text(render(read(FILE), beside.read(beside.FILE)))


def render(records: Mapping[str, Record], compared: Mapping[str, beside.SideBySide]) -> str:
    """The whole page; a bench without a record stands there as such."""
    lines = [*PREFACE, "", "## What is reached, and what is not", "", *_reached(records)]
    for name, bench in BENCHES.items():
        lines += ["", f"## {name}", "", *_about(bench), ""]
        record = records.get(name)
        lines += [f"*{_NEVER}*"] if record is None else _measured(record)
    if compared:
        lines += ["", *beside.render(compared)]
    return "\n".join([*lines, ""])


def _reached(records: Mapping[str, Record]) -> Iterator[str]:
    yield "| bench | what | goal | measured | | when |"
    yield "|---|---|---|---|---|---|"
    for name in BENCHES:
        record = records.get(name)
        if record is None:
            yield f"| {name} | | | {_NEVER} | | |"
            continue
        for goal in record.goals:
            outcome = "reached" if goal.reached else "**missed**"
            yield f"| {name} | {goal.what} | {goal.asked} | {goal.told} | {outcome} | {record.at} |"
        for broken in record.broken:
            yield f"| {name} | {broken} | | | **missed** | {record.at} |"
        if not (record.goals or record.broken):
            yield f"| {name} | nothing was missed | | | reached | {record.at} |"


def _about(bench: AnyBench) -> Iterator[str]:
    """The docstring of its module, and of what measures."""
    texts = sys.modules[bench.measure.__module__].__doc__, bench.measure.__doc__
    yield "\n\n".join(inspect.cleandoc(text) for text in texts if text)


def _measured(record: Record) -> Iterator[str]:
    size = "" if record.killmails is None else f"; {record.killmails:,} killmails"
    yield f"{record.at} UTC; {record.machine}; load {record.load[0]} to {record.load[1]}; {record.seconds:.0f} s{size}"
    yield ""
    yield "```text"
    yield from record.lines
    yield "```"


if __name__ == "__main__":
    renew()
