"""The state of a zKillboard import in one sentence, for the page, GraphQL, the CLI and Temporal's UI. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.imports import Estimate, ImportAccount, ImportState
from contracts.plurals import counted
from contracts.sync import FailureType

NOTHING = "zKillboard has no killmails for this character."
REASONS = {
    FailureType.RATE_LIMITED: "the request limit of EVE or zKillboard has been reached",
    FailureType.DOWNTIME: "EVE is in downtime",
    FailureType.UNAVAILABLE: "EVE or zKillboard is having problems",
    FailureType.FORBIDDEN: "zKillboard blocks this site (its operator should check CONTACT)",
    FailureType.CONFIGURATION: "zKillboard rejects our requests (the operator should check ZKILLBOARD_URL)",
    FailureType.REFUSED: "zKillboard refused the request",
    FailureType.INFRASTRUCTURE: "our own database or Redis is not responding",
}
"""Why an import waits or failed, by `FailureType`."""
UNKNOWN_REASON = "something went wrong on our side"


@dataclass(frozen=True, slots=True)
class ImportStanding:
    """What the sentence is made of."""

    state: ImportState
    until: datetime | None = None
    failure: str = ""
    estimate: Estimate | None = None
    listed: int = 0
    account: ImportAccount | None = None


def import_sentence(standing: ImportStanding) -> str:
    """What a pilot reads (times are UTC, which is EVE time)."""
    estimate = standing.estimate
    match standing.state:
        case ImportState.ESTIMATING:
            return "Asking zKillboard how much there is."
        case ImportState.ESTIMATED if estimate is not None:
            return estimate_sentence(estimate)
        case ImportState.IMPORTING if estimate is not None and estimate.killmails:
            of = max(estimate.killmails, standing.listed)
            return f"Importing from zKillboard: {standing.listed:,} of about {counted(of, 'killmail')} so far."
        case ImportState.WAITING:
            until = f"; continuing at {standing.until:%H:%M:%S} EVE time" if standing.until else ""
            return f"The import is on hold: {reason(standing.failure)}{until}."
        case ImportState.DONE | ImportState.CANCELLED | ImportState.FAILED if standing.account is not None:
            return _ended(standing.account)
    return "Importing from zKillboard."


def estimate_sentence(estimate: Estimate) -> str:
    """How much there is and how long it will take."""
    if not estimate.killmails:
        return NOTHING
    size = f"{'at least' if estimate.at_least else 'about'} {counted(estimate.killmails, 'killmail')}"
    if not estimate.new:
        return f"zKillboard lists {size} for this character, and just as many are already here."
    return (
        f"zKillboard lists {size} for this character (about {estimate.new:,} not here yet); the import takes about"
        f" {duration(estimate.seconds)}."
    )


def duration(seconds: int) -> str:
    """So long, in words."""
    if seconds < 90:
        return "a minute"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours"


def reason(failure: str) -> str:
    """Why, in words; no full stop."""
    return REASONS.get(failure, UNKNOWN_REASON)


def _ended(account: ImportAccount) -> str:
    imported = _imported(account)
    if account.state is ImportState.CANCELLED and not account.listed:
        return "Cancelled; nothing was imported."
    if account.state is ImportState.CANCELLED:
        return f"Cancelled after importing {imported}."
    if account.state is ImportState.FAILED:
        return f"The import stopped after {imported}: {reason(account.failure)}; start it again to continue."
    if not account.listed and not account.unusable:
        return NOTHING
    return f"Imported {imported}."


def _imported(account: ImportAccount) -> str:
    """How many, and in brackets what became of the others."""
    others = [
        f"{count:,} {what}"
        for count, what in (
            (account.stored - account.new, "already here"),
            (account.pending, "still to come from EVE"),
            (account.failed, "not available from EVE"),
            (account.unusable, "without a usable reference on zKillboard"),
        )
        if count
    ]
    if account.cut_off:
        others.append("zKillboard shows no more of its list")
    return counted(account.new, "new killmail") + (f" ({', '.join(others)})" if others else "")
