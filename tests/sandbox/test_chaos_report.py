"""The table of a campaign holds every kind of fault, whatever a fault's settings are."""

from __future__ import annotations

from pathlib import Path

from sandbox.chaos.plan import KINDS
from sandbox.chaos.report import Campaign, Outcome


def test_every_kind_has_its_row(tmp_path: Path) -> None:
    campaign = Campaign(seed=1, pilots=2, corporations=1, interval_seconds=5)
    campaign.outcomes = [Outcome(kind, seconds, 30.0) for kind in KINDS for seconds in (1.0, 3.0)]
    campaign.outcomes.append(Outcome(KINDS[0], None, 30.0))
    campaign.write(tmp_path / "proof.md")
    text = (tmp_path / "proof.md").read_text()
    names = {kind.name for kind in KINDS}
    assert all(f"| {name} | " in text for name in names)
    assert f"{2 * len(KINDS) + 1} faults of {len(names)} kinds, {2 * len(KINDS)} survived" in text
    assert f"**Later than it may be:** {KINDS[0].name}" in text


def test_who_waits_since_the_wave_before_is_given_that_time() -> None:
    campaign = Campaign(seed=1, pilots=2, corporations=1, interval_seconds=20)
    longest = max(KINDS, key=lambda kind: kind.waits_seconds)
    plain = [kind for kind in KINDS if not kind.waits_seconds][:2]
    assert campaign.allowed(plain, 100.0) == 40
    assert campaign.allowed([longest, *plain], 200.0) == 40 + longest.waits_seconds
    assert campaign.allowed(plain, 230.0) == 40 + longest.waits_seconds - 30
    assert campaign.allowed(plain, 200.0 + longest.waits_seconds) == 40
