"""What `killreport doctor` found in one check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Only `FAILS` makes doctor exit with 1."""

    GOOD = "ok"
    MENDED = "mended"
    DOUBTFUL = "warning"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `mend` says what to do if the verdict is not good."""

    subject: str
    verdict: Verdict
    detail: str
    mend: str = ""
