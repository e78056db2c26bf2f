"""The bench of memory says what grew, and fails when a process is larger than in the first hour."""

from __future__ import annotations

from sandbox.benches.memory import API, WORKER, Reading, judged

MB = 1_000_000


def test_what_grows_is_said_by_look_and_by_request() -> None:
    first = Reading(looks=1_000, requests=500, held={WORKER: 200 * MB, API: 150 * MB})
    flat = judged(50, [first, Reading(11_000, 10_500, {WORKER: 201 * MB, API: 150 * MB})])
    assert "10,000 looks from the first hour to the last, 200 of each; 10,500 requests" in flat.lines[0]
    assert f"{WORKER}, MB at most in each hour: 200, 201" in flat.lines[1]
    assert f"{WORKER} grew by 100.0 kB for each thousand looks" in flat.lines[2]
    assert f"{API} grew by 0.0 kB for each thousand requests" in flat.lines[4]
    assert not flat.missed

    between = Reading(5_000, 5_000, {WORKER: 260 * MB, API: 150 * MB})
    grown = judged(50, [first, between, Reading(11_000, 10_500, {WORKER: 201 * MB, API: 159 * MB})])
    assert grown.missed == [
        f"{WORKER} at its largest: 1.3 times as in the first hour, not ≤ 1.05 times as in the first hour",
        f"{API} at its largest: 1.06 times as in the first hour, not ≤ 1.05 times as in the first hour",
    ]
