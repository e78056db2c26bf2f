"""An account of every request the sandbox got: who asked what, how it ended, what it cost."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 200_000


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request. `tokens` is its cost in bucket `group` (None: counted by the error limit, or not ESI's)."""

    at: float
    method: str
    route: str
    path: str
    status: int
    character_id: int | None
    group: str | None
    tokens: int
    user_agent: str
    compatibility_date: str
    address: str
    fault: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class RequestLog:
    """The newest `KEPT` of them, oldest first. A status of 0: the connection was cut instead."""

    def __init__(self) -> None:
        self.records: deque[RequestRecord] = deque(maxlen=KEPT)

    def add(self, record: RequestRecord) -> None:
        self.records.append(record)

    def of(self, route: str, method: str | None = None) -> list[RequestRecord]:
        """Those for this path template."""
        return [one for one in self.records if one.route == route and method in (None, one.method)]

    def clear(self) -> None:
        self.records.clear()
