"""The newest measurement of every bench, in `docs/benchmarks.json`: what `docs/benchmarks.md` is written from."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from sandbox.benches.measured import Measured

FILE = Path("docs/benchmarks.json")
_GIBIBYTE = 2**30


@dataclass(frozen=True)
class Reached:
    """A goal as the page has it."""

    what: str
    asked: str
    told: str
    reached: bool


@dataclass(frozen=True)
class Record:
    """One measurement: when (UTC), on what, how busy it was before and after (load average of a minute), and what of.

    `killmails`: how many the database had; None: the bench reads no war.
    """

    at: str
    machine: str
    load: tuple[float, float]
    seconds: float
    killmails: int | None
    goals: list[Reached]
    broken: list[str]
    lines: list[str]


class Clock:
    """Started before a bench, asked after it."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC)
        self._load = os.getloadavg()[0]

    def record(self, measured: Measured, killmails: int | None) -> Record:
        """What is kept of it."""
        return Record(
            at=f"{self._began:%Y-%m-%d %H:%M}",
            machine=machine(),
            load=(round(self._load, 1), round(os.getloadavg()[0], 1)),
            seconds=round((datetime.now(UTC) - self._began).total_seconds()),
            killmails=killmails,
            goals=[Reached(goal.what, goal.asked, goal.told, goal.is_reached) for goal in measured.goals],
            broken=list(measured.broken),
            lines=list(measured.lines),
        )


def machine() -> str:
    """Its processor, cores and memory."""
    model = platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        named = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIBIBYTE
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"


def read(file: Path) -> dict[str, Record]:
    """By name; none without the file."""
    if not file.exists():
        return {}
    return {
        name: Record(**{**told, "load": tuple(told["load"]), "goals": [Reached(**goal) for goal in told["goals"]]})
        for name, told in orjson.loads(file.read_bytes()).items()
    }


def write(file: Path, records: dict[str, Record]) -> None:
    """All of them, in place of those before."""
    told = {name: asdict(record) for name, record in sorted(records.items())}
    file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
