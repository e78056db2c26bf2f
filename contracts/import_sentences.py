"""The state of a zKillboard import in one sentence, for the page, GraphQL, the CLI and Temporal's UI. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.imports import Estimate, ImportAccount, ImportState
from contracts.sync import FailureType

NOTHING = "zKillboard has no killmail of this character."
REASONS = {
    FailureType.RATE_LIMITED: "EVE's or zKillboard's request limit is reached",
    FailureType.DOWNTIME: "EVE is in its downtime",
    FailureType.UNAVAILABLE: "EVE or zKillboard does not answer well",
    FailureType.FORBIDDEN: "zKillboard does not let this installation in; its operator should look at CONTACT",
    FailureType.CONFIGURATION: "zKillboard does not take the request; the operator should look at ZKILLBOARD_URL",
    FailureType.REFUSED: "zKillboard refuses the request",
    FailureType.INFRASTRUCTURE: "our own database or Redis does not answer",
}
"""Why an import waits or failed, by `FailureType`."""
UNKNOWN_REASON = "something did not work that should have"


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
            return f"Importing from zKillboard: {standing.listed:,} of about {of:,} killmails looked at."
        case ImportState.WAITING:
            until = f" Going on at {standing.until:%H:%M:%S} EVE time." if standing.until else ""
            return f"The import waits: {reason(standing.failure)}.{until}"
        case ImportState.DONE | ImportState.CANCELLED | ImportState.FAILED if standing.account is not None:
            return _ended(standing.account)
    return "Importing from zKillboard."


def estimate_sentence(estimate: Estimate) -> str:
    """How much there is and how long it will take."""
    if not estimate.killmails:
        return NOTHING
    size = f"{'at least' if estimate.at_least else 'about'} {estimate.killmails:,}"
    if not estimate.new:
        return f"zKillboard lists {size} killmails of this character; as many are here already."
    return (
        f"zKillboard lists {size} killmails of this character, about {estimate.new:,} of them are not here yet."
        f" The import takes about {duration(estimate.seconds)}."
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
    got = f"{account.new:,} killmails are new here, {account.stored - account.new:,} were here before"
    if account.pending:
        got += f", {account.pending:,} are still to come from EVE"
    if account.failed:
        got += f", {account.failed:,} EVE does not give"
    if account.unusable:
        got += f"; {account.unusable:,} have no usable reference at zKillboard"
    if account.cut_off:
        got += "; zKillboard shows no more of its list than this"
    if account.state is ImportState.CANCELLED and not account.listed:
        return "Cancelled; nothing was imported."
    if account.state is ImportState.CANCELLED:
        return f"Cancelled: {got}."
    if account.state is ImportState.FAILED:
        return f"The import stopped: {reason(account.failure)}. {got[0].upper()}{got[1:]}. Starting it again goes on."
    if not account.listed and not account.unusable:
        return NOTHING
    return f"Imported: {got}."
