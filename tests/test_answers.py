"""`docs/answers.md` against the code: every error of EVE's is in it, and every row is proved by a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from activities.access_tokens import CONFIRMS, PATIENCE_SECONDS, SAVE_FOR_SECONDS, STOP_SECONDS
from activities.errors import PLAIN
from db.accounts.refresh_leases import LEASE, SETTLES
from eve import errors
from eve.errors import Downtime, EveError, RateLimited
from eve.esi.client import MANY_REFUSED
from eve.sso.client import REFRESH_SECONDS
from tests.paths import ROOT

ANSWERS = (ROOT / "docs" / "answers.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in ANSWERS.splitlines()
    if line.startswith("| ") and not line.startswith("| answer")
]
KINDS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, EveError)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_is_proved(row: list[str]) -> None:
    assert len(row) == 5, "answer, conclusion, who, how it heals, test"
    file, _, name = row[-1].partition("::")
    source = Path(ROOT / "tests" / file).read_text()
    assert re.search(rf"^async def {name}\(|^def {name}\(", source, re.MULTILINE), row[-1]


def test_every_error_of_eves_has_its_row() -> None:
    said = set(re.findall(r"`([A-Z][A-Za-z]+)`", " ".join(row[1] for row in ROWS)))
    assert said == KINDS.keys() - {"EveError"}


def test_every_error_has_a_place_in_the_table_of_activities() -> None:
    for name, kind in KINDS.items():
        known = issubclass(kind, (RateLimited, Downtime)) or any(issubclass(kind, one) for one in PLAIN)
        assert known or kind is EveError, name


def test_the_times_in_it_are_those_of_the_code() -> None:
    assert f"longer than **{REFRESH_SECONDS:.0f} s**" in ANSWERS
    assert f"no answer within {REFRESH_SECONDS:.0f} s" in ANSWERS
    assert f"for {SETTLES.total_seconds():.0f} s nothing" in ANSWERS
    assert f"runs out after {LEASE.total_seconds():.0f} s" in ANSWERS
    assert f"for its refreshes, {STOP_SECONDS:.0f} s at most" in ANSWERS
    assert f"takes nothing for {SAVE_FOR_SECONDS / 3600:.0f} hours" in ANSWERS
    assert MANY_REFUSED == 3
    assert LEASE.total_seconds() > REFRESH_SECONDS > PATIENCE_SECONDS
    assert SETTLES.total_seconds() > REFRESH_SECONDS, "whoever waits for the answer has the time to bring it"
    assert CONFIRMS.total_seconds() < 20 * 60, "an access token lives for twenty minutes"
