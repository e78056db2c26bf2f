"""The same benches in two checkouts by turns: what a change of the code did to what they measure.

What an older version prints is all that is asked of it: its records, if it writes any, had other fields.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from operations.failure import OperationFailed
from sandbox.benches.records import machine

FILE = Path("docs/benchmarks-beside.json")
PATIENCE_SECONDS = 3600
ROUNDS = 2
HERE = Path()


@dataclass(frozen=True)
class Printed:
    """What a checkout's bench printed: of which commit, when (UTC), at which load average of a minute."""

    commit: str
    at: str
    load: float
    lines: list[str]


@dataclass(frozen=True)
class SideBySide:
    """One bench, by turns: the other checkout's and this one's."""

    machine: str
    printed: list[Printed]


def compare(names: Sequence[str], killmails: int, other: Path, say: Callable[[str], None]) -> None:
    """Measure `names` in `other`, then here, twice, and keep what was printed.

    Raises:
        OperationFailed: `other` is no installed checkout, or a bench there does not run at all.
    """
    if not _python(other).exists():
        raise OperationFailed(
            f"{other} has no .venv/bin/python: install that checkout with its own `make test` or `make run`."
        )
    kept = read(FILE)
    for name in names:
        printed = [_measure(name, killmails, checkout, say) for _ in range(ROUNDS) for checkout in (other, HERE)]
        kept[name] = SideBySide(machine(), printed)
        write(FILE, kept)


def render(kept: Mapping[str, SideBySide]) -> Iterator[str]:
    """The lines of the page about them."""
    yield "## Beside an older version"
    yield ""
    yield "`killreport bench NAME… --beside CHECKOUT`: by turns in both, on the same machine, the older one first."
    for name, both in kept.items():
        yield from ("", f"### {name}", "", both.machine)
        for one in both.printed:
            yield from ("", f"{one.commit}; {one.at} UTC; load {one.load}", "", "```text", *one.lines, "```")


def read(file: Path) -> dict[str, SideBySide]:
    """By name; none without the file."""
    if not file.exists():
        return {}
    return {
        name: SideBySide(told["machine"], [Printed(**one) for one in told["printed"]])
        for name, told in orjson.loads(file.read_bytes()).items()
    }


def write(file: Path, kept: Mapping[str, SideBySide]) -> None:
    """All of them, in place of those before."""
    told = {name: asdict(both) for name, both in sorted(kept.items())}
    file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _measure(name: str, killmails: int, checkout: Path, say: Callable[[str], None]) -> Printed:
    commit = _commit(checkout)
    say(f"{name} of {commit}")
    load, at = os.getloadavg()[0], datetime.now(UTC)
    ran = subprocess.run(
        [_python(checkout).absolute(), "-m", "cli", "bench", name, "--seed", str(killmails)],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    # A missed goal ends it with an error, too; without a figure it did not run.
    lines = [line.strip() for line in ran.stdout.splitlines() if line.startswith("  ")]
    if not lines:
        raise OperationFailed(f"{name} of {commit} printed no figure: {ran.stderr.strip()[-500:]}")
    for line in lines:
        say(f"  {line}")
    return Printed(commit, f"{at:%Y-%m-%d %H:%M}", round(load, 1), lines)


def _python(checkout: Path) -> Path:
    return Path(sys.executable) if checkout == HERE else checkout / ".venv/bin/python"


def _commit(checkout: Path) -> str:
    """Its short hash and day."""
    asked = ["git", "log", "-1", "--format=%h of %as"]
    return subprocess.run(asked, cwd=checkout, capture_output=True, text=True, check=True).stdout.strip()
