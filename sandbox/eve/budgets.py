"""ESI's two limits: token buckets with a sliding window, and the legacy error limit (ESI docs, "Rate limiting").

Costs: 2XX 2 tokens, 3XX 1, 4XX 5 (a 429 itself none), 5XX none. A token returns one window after it was spent.
Routes outside the groups count failed answers instead: 100 in a fixed minute, then 420 on every route.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, replace

from sandbox.eve.clock import Clock

ERRORS_PER_WINDOW = 100
ERROR_WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate-limit group of ESI's OpenAPI document, with its real window unless the sandbox was told another."""

    group: str
    tokens: int
    window_seconds: int = 900

    def __str__(self) -> str:
        minutes, seconds = divmod(self.window_seconds, 60)
        return f"{self.tokens}/{self.window_seconds}s" if seconds else f"{self.tokens}/{minutes}m"


@dataclass(slots=True)
class Spending:
    """One request's tokens; two while it is under way, the true cost afterwards."""

    at: float
    tokens: int


def cost(status: int) -> int:
    """Tokens an answer with this status costs."""
    if status in (420, 429) or status >= 500:
        return 0
    return 2 if status < 300 else 1 if status < 400 else 5


class Bucket:
    """The tokens of one group and one user: `application:character`, or a source address."""

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self._spendings: deque[Spending] = deque()

    @property
    def remaining(self) -> int:
        since = self._clock.now() - self.limit.window_seconds
        while self._spendings and self._spendings[0].at <= since:
            self._spendings.popleft()
        return max(0, self.limit.tokens - sum(spending.tokens for spending in self._spendings))

    @property
    def retry_after(self) -> int:
        """Seconds until the bucket holds a token again, at least 1."""
        if self.remaining or not self._spendings:
            return 1
        due = 0
        spent = sum(spending.tokens for spending in self._spendings)
        for spending in self._spendings:
            due += spending.tokens
            if spent - due < self.limit.tokens:
                break
        return max(1, math.ceil(spending.at + self.limit.window_seconds - self._clock.now()))

    def begin(self) -> Spending | None:
        """Spend for a request that begins; None when the bucket is empty."""
        if self.remaining <= 0:
            return None
        spending = Spending(self._clock.now(), 2)
        self._spendings.append(spending)
        return spending

    def spend(self, tokens: int) -> None:
        """As somebody else does who draws on the same bucket."""
        self._spendings.append(Spending(self._clock.now(), tokens))

    def headers(self, used: int) -> dict[str, str]:
        return {
            "X-Ratelimit-Group": self.limit.group,
            "X-Ratelimit-Limit": str(self.limit),
            "X-Ratelimit-Remaining": str(self.remaining),
            "X-Ratelimit-Used": str(used),
        }


class Budgets:
    """Every bucket, and the error limit.

    Args:
        window_seconds: of every bucket, in place of its own; 0: each its own.
    """

    def __init__(self, clock: Clock, window_seconds: int = 0) -> None:
        self._clock = clock
        self._window_seconds = window_seconds
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._errors: dict[tuple[str, int], int] = defaultdict(int)

    def bucket(self, limit: Limit, user: str) -> Bucket:
        key = (limit.group, user)
        if key not in self._buckets:
            if self._window_seconds:
                limit = replace(limit, window_seconds=self._window_seconds)
            self._buckets[key] = Bucket(limit, self._clock)
        return self._buckets[key]

    def count_error(self, address: str) -> None:
        self._errors[address, self._window] += 1

    def errors_left(self, address: str) -> int:
        return max(0, ERRORS_PER_WINDOW - self._errors[address, self._window])

    def error_headers(self, address: str) -> dict[str, str]:
        reset = math.ceil((self._window + 1) * ERROR_WINDOW_SECONDS - self._clock.now())
        return {
            "X-ESI-Error-Limit-Remain": str(self.errors_left(address)),
            "X-ESI-Error-Limit-Reset": str(max(1, reset)),
        }

    def forget(self) -> None:
        """Start again, as if nothing had been spent."""
        self._buckets.clear()
        self._errors.clear()

    @property
    def _window(self) -> int:
        return int(self._clock.now() // ERROR_WINDOW_SECONDS)
