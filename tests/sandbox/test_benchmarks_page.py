"""The page of benchmarks is what the benches wrote, and says which goals were missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.failure import OperationFailed
from sandbox.benches import beside
from sandbox.benches.catalogue import BENCHES
from sandbox.benches.measured import Measured, at_least, at_most
from sandbox.benches.page import PAGE, render
from sandbox.benches.records import FILE, Clock, read, write


def test_the_page_is_rendered_from_the_records_alone() -> None:
    records = read(FILE)
    assert not records.keys() - BENCHES.keys(), "a record of a bench that is gone"
    assert render(records, beside.read(beside.FILE)) == PAGE.read_text(), (
        "run `make reference`; `killreport bench NAME --write` measures"
    )


def test_a_missed_goal_is_an_error_and_on_the_page(tmp_path: Path) -> None:
    goals = [at_most("wait", 81.24, 50, "ms"), at_least("rate", 5_100, 5_000, "killmails/s")]
    measured = Measured(["a line"], ["it was refused"], goals)
    assert measured.missed == ["it was refused", "wait: 81.2 ms, not ≤ 50 ms"]
    record = Clock().record(measured, 1_000)
    write(tmp_path / "records.json", {"feed": record})
    assert read(tmp_path / "records.json") == {"feed": record}
    text = render({"feed": record}, {})
    assert f"| feed | wait | ≤ 50 ms | 81.2 ms | **missed** | {record.at} |" in text
    assert f"| feed | rate | ≥ 5,000 killmails/s | 5,100 killmails/s | reached | {record.at} |" in text
    assert f"| feed | it was refused | | | **missed** | {record.at} |" in text
    assert record.machine in text
    assert "a line" in text
    assert "| storing | | | not measured" in text


def test_an_older_version_stands_beside_this_one(tmp_path: Path) -> None:
    printed = [beside.Printed(f"{commit} of a day", "2026-11-28 12:00", 0.5, [f"{commit} took 2 s"]) for commit in "ab"]
    beside.write(tmp_path / "beside.json", {"feed": beside.SideBySide("a box of ours", printed)})
    text = render({}, beside.read(tmp_path / "beside.json"))
    assert text.index("### feed") < text.index("a box of ours") < text.index("a took 2 s") < text.index("b took 2 s")
    with pytest.raises(OperationFailed, match=r"has no \.venv"):
        beside.compare(["feed"], 1_000, tmp_path, print)
