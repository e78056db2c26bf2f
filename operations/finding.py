"""What `killreport doctor` says of one thing it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Only `FAILS` makes doctor's exit status 1."""

    GOOD = "ok"
    DOUBTFUL = "warning"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `mend` says what to do where the verdict is not good."""

    subject: str
    verdict: Verdict
    detail: str
    mend: str = ""
