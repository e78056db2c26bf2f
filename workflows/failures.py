"""What an activity's failure means to a workflow, read from the `ActivityError` it arrives as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from contracts.sync import FailureType, SyncState

RECORDED_BY_ACTIVITY = {
    FailureType.NEEDS_LOGIN: SyncState.NEEDS_LOGIN,
    FailureType.OWNER_CHANGED: SyncState.OWNER_CHANGED,
    FailureType.NO_DIRECTOR: SyncState.NO_DIRECTOR,
    FailureType.REMOVED: SyncState.REMOVED,
}
"""The state of a sync after these; the activity that found out has told the database."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A `FailureType` (or a time-out's), and when it is expected to be over (UTC)."""

    type: str
    until: datetime | None = None
    is_final: bool = False
    """Whoever found out said that another attempt would change nothing."""


def failure_of(error: ActivityError) -> Failure:
    """The typed failure behind `error`; what has no type of ours counts as our own infrastructure's.

    Raises:
        ActivityError: `error` itself, when it stands for the cancellation of the workflow.
    """
    if is_cancelled_exception(error):
        raise error
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.__cause__  # a time-out carries the last attempt's failure
    if cause is None:
        return Failure(FailureType.INFRASTRUCTURE)
    return Failure(cause.type or FailureType.INFRASTRUCTURE, _until(cause), cause.non_retryable)


async def sleep_after(failure: Failure, pause: timedelta) -> None:
    """Until the failure is expected to be over; for `pause` where nobody knows."""
    if failure.until is not None:
        pause = failure.until - workflow.now()
    await workflow.sleep(max(pause, timedelta(seconds=1)), summary=f"retry after {failure.type}")


def _until(error: ApplicationError) -> datetime | None:
    detail = error.details[0] if error.details else None
    try:
        return datetime.fromisoformat(detail) if isinstance(detail, str) else None
    except ValueError:
        return None
