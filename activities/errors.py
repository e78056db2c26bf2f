"""The one place where failures become Temporal's: what `eve` raises, what our own services raise.

What leaves here lands in workflow histories: type names and times, never a message that somebody else
wrote, for a database error may quote a row.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import prometheus_client
import redis.exceptions
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, TemporalError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from contracts.activity_policy import ONCE_MORE
from contracts.sync import FailureType
from db.accounts.vault import VaultError
from db.failures import database_is_away
from eve.errors import (
    AccessTokenRejected,
    BadRequest,
    ClientRejected,
    DoubtfulRefusal,
    Downtime,
    EveError,
    Forbidden,
    InvalidHash,
    MalformedBody,
    NotFound,
    OwnerChanged,
    RateLimited,
    RedisUnreachable,
    TokenRevoked,
    Unavailable,
    UntrustedAccessToken,
    ZkillboardRefused,
)

logger = logging.getLogger(__name__)

WAIT_IN_RETRIES = timedelta(seconds=60)
"""A limit that ends within this is left to the activity's retry; for a longer one the workflow waits."""


class Next(Enum):
    """Who goes on after a failure."""

    RETRY = "the activity's own retry: the same attempt may succeed in a moment"
    WORKFLOW = "the workflow: repeating the attempt would change nothing"


PLAIN: dict[type[EveError], tuple[str, Next]] = {
    TokenRevoked: (FailureType.NEEDS_LOGIN, Next.WORKFLOW),
    OwnerChanged: (FailureType.OWNER_CHANGED, Next.WORKFLOW),
    AccessTokenRejected: (FailureType.ACCESS_TOKEN_REJECTED, Next.WORKFLOW),
    Forbidden: (FailureType.FORBIDDEN, Next.WORKFLOW),
    ClientRejected: (FailureType.CONFIGURATION, Next.WORKFLOW),
    BadRequest: (FailureType.CONFIGURATION, Next.WORKFLOW),
    NotFound: (FailureType.CONFIGURATION, Next.WORKFLOW),
    InvalidHash: (FailureType.UNAVAILABLE, Next.WORKFLOW),
    # The workflow comes back, much later: zKillboard counts errors.
    ZkillboardRefused: (FailureType.REFUSED, Next.WORKFLOW),
    DoubtfulRefusal: (FailureType.UNAVAILABLE, Next.WORKFLOW),  # ESI charges it as much as a true one
    # Each attempt would refresh the grant anew, and what made the token doubtful lasts longer than a moment.
    UntrustedAccessToken: (FailureType.UNAVAILABLE, Next.WORKFLOW),
    MalformedBody: (FailureType.UNAVAILABLE, Next.RETRY),
    Unavailable: (FailureType.UNAVAILABLE, Next.RETRY),
}
ALARMING = (FailureType.CONFIGURATION,)
"""The only one of these that an operator must act on; the others are part of a normal day."""


REDIS_IS_SILENT = (RedisUnreachable, redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)
LOG_AGAIN_SECONDS = 60.0
FAILURES = prometheus_client.Counter(
    "killreport_activity_failures", "Attempts of activities that failed, by `FailureType`.", ["activity", "reason"]
)


class CharacterRemoved(Exception):
    """The character is not a user (any more)."""


class CorporationNotFollowed(Exception):
    """No director has this corporation's sync switched on (any more)."""


class NoDirector(Exception):
    """Every director's part has ended: there is nobody to ask ESI with."""


class OncePerCause:
    """Lets one line per cause and minute into the log. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    def unsaid(self, cause: str) -> int | None:
        """How often it happened since the last line; None: not now."""
        now = self._clock()
        if now - self._said.get(cause, float("-inf")) < LOG_AGAIN_SECONDS:
            self._unsaid[cause] += 1
            return None
        self._said = {one: at for one, at in self._said.items() if now - at < LOG_AGAIN_SECONDS} | {cause: now}
        return self._unsaid.pop(cause, 0)


_causes = OncePerCause()


class FailureInterceptor(Interceptor):
    """Gives every activity of a worker the mapping of this module."""

    def __init__(self) -> None:
        logging.getLogger("temporalio.activity").addFilter(_is_not_told_yet)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Translate(next)


class _Translate(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        try:
            return await self.next.execute_activity(input)
        except TemporalError:
            raise
        except Exception as error:  # noqa: BLE001 - translated, not swallowed
            told = application_error(error, datetime.now(UTC), wait_in_retries=_has_patience())
            FAILURES.labels(activity.info().activity_type, told.type or "").inc()
            raise told from None


def _has_patience() -> bool:
    retries = activity.info().retry_policy
    return retries is None or retries.maximum_attempts != ONCE_MORE.maximum_attempts


def application_error(error: Exception, now: datetime, *, wait_in_retries: bool = True) -> ApplicationError:
    """What Temporal is told of `error`. An unexpected one is logged with its place, not with its text.

    Args:
        wait_in_retries: a short limit is left to the activity's retry; False: the workflow is told of it.
    """
    if isinstance(error, CharacterRemoved):
        return _benign("The character is not a user any more.", FailureType.REMOVED)
    if isinstance(error, CorporationNotFollowed):
        return _benign("No director follows this corporation any more.", FailureType.REMOVED)
    if isinstance(error, NoDirector):
        return _benign("EVE takes no director's permission any more.", FailureType.NO_DIRECTOR)
    if isinstance(error, (RateLimited, Downtime)):
        kind = FailureType.DOWNTIME if isinstance(error, Downtime) else FailureType.RATE_LIMITED
        soon = wait_in_retries and error.until - now <= WAIT_IN_RETRIES
        return ApplicationError(
            str(error),
            error.until.isoformat(),
            type=kind,
            non_retryable=not soon,
            next_retry_delay=max(error.until - now, timedelta(seconds=1)) if soon else None,
            category=ApplicationErrorCategory.BENIGN,
        )
    if isinstance(error, EveError) and not isinstance(error, RedisUnreachable):
        kind, goes_on = next((PLAIN[known] for known in PLAIN if isinstance(error, known)), ("", Next.RETRY))
        kind = kind or FailureType.UNAVAILABLE
        return ApplicationError(
            str(error),
            type=kind,
            non_retryable=goes_on is Next.WORKFLOW,
            category=ApplicationErrorCategory.UNSPECIFIED if kind in ALARMING else ApplicationErrorCategory.BENIGN,
        )
    if isinstance(error, VaultError):
        # Tried again: while a new key is rolled out, another worker may have it.
        return ApplicationError(str(error), type=FailureType.CONFIGURATION)
    _log(error, _causes)
    return ApplicationError(f"{type(error).__name__}; the worker's log says more.", type=FailureType.INFRASTRUCTURE)


def _is_not_told_yet(record: logging.LogRecord) -> bool:
    """The SDK writes each failed attempt with a traceback; what `_log` tells once per cause and minute is enough."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, ApplicationError) and error.type == FailureType.INFRASTRUCTURE)


def _log(error: Exception, causes: OncePerCause) -> None:
    what = type(error).__name__
    name = activity.info().activity_type if activity.in_activity() else "an activity"
    if database_is_away(error) or isinstance(error, REDIS_IS_SILENT):  # where in the code it showed tells nothing
        if (unsaid := causes.unsaid(what)) is not None:
            logger.error("%s: our Postgres or Redis does not answer (%s); %d more before.", name, what, unsaid)
        return
    frames = traceback.format_tb(error.__traceback__)
    if (unsaid := causes.unsaid(what + "".join(frames[-1:]))) is not None:
        logger.error("%s failed with %s (%d more before) at\n%s", name, what, unsaid, "".join(frames))


def _benign(message: str, kind: str) -> ApplicationError:
    return ApplicationError(message, type=kind, non_retryable=True, category=ApplicationErrorCategory.BENIGN)
