"""What `killreport doctor --reconcile` looks at inside of the database: references, bodies, arrivals, values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from db.legacy.bodies import REBUILT
from db.syncs.gaps import gaps
from db.syncs.reconciliation import (
    FALSELY_STORED,
    NOT_APPRAISED,
    NOT_ARRIVED,
    TORN,
    count_killmails,
    mend_appraisals,
    mend_arrivals,
    mend_references,
)
from operations.doctor.finding import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """Killmails that are not as they should be, and what makes them so; None: nothing does."""

    subject: str
    wrong: str
    words: str
    mend: Callable[[asyncpg.Pool], Awaitable[None]] | None


CHECKS = (
    Check("Stored references", FALSELY_STORED, "said to be stored, and are not", mend_references),
    Check("Bodies and people", TORN, "without a body, or with more or fewer people than they had", None),
    Check("Arrivals", NOT_ARRIVED, "stored, and in no reader's order", mend_arrivals),
    Check("Values and flags", NOT_APPRAISED, "without value or flags, or whose value is no sum", mend_appraisals),
)


async def look_at_killmails(pool: asyncpg.Pool, *, mend: bool) -> list[Finding]:
    """Each check, and after it the bodies that are not EVE's and the references whose bodies are missing."""
    findings = [await _look(pool, check, mend=mend) for check in CHECKS]
    rebuilt, some = await count_killmails(pool, REBUILT)
    detail = f"{rebuilt:,} put together from the old system's tables, for example {', '.join(map(str, some))}"
    findings.append(Finding("Rebuilt bodies", Verdict.GOOD, detail if rebuilt else "none: all are EVE's"))
    missing = sum(gap.killmails for gap in await gaps(pool))
    if missing:
        detail = f"{missing:,} killmails that EVE listed are not here (yet)"
        advice = "`killreport doctor --gaps` says why; `--redrive` tries them all again."
        return [*findings, Finding("References without a body", Verdict.DOUBTFUL, detail, advice)]
    return [*findings, Finding("References without a body", Verdict.GOOD, "none")]


async def _look(pool: asyncpg.Pool, check: Check, *, mend: bool) -> Finding:
    found, some = await count_killmails(pool, check.wrong)
    if not found:
        return Finding(check.subject, Verdict.GOOD, "all as they should be")
    detail = f"{found:,} killmails {check.words}, for example {', '.join(map(str, some))}"
    if check.mend is None:
        return Finding(
            check.subject, Verdict.FAILS, detail, "Restore them from another backup; docs/backup.md says how."
        )
    if not mend:
        return Finding(check.subject, Verdict.FAILS, detail, "Run `killreport doctor --reconcile --mend`.")
    await check.mend(pool)
    left, _ = await count_killmails(pool, check.wrong)
    return Finding(check.subject, Verdict.MENDED if not left else Verdict.FAILS, f"{detail}; {found - left:,} mended")
