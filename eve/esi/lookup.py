"""Bulk lookups that are all-or-nothing: one id ESI does not know fails the whole call.

So a failed call is halved until the bad id stands alone. Each failure costs one of the hundred errors a
minute that all routes share, so the halving is done one call at a time and given up after a few failures:
what is left is reported as unresolved and found the next time, when the bad ids found now are known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from eve.errors import BadRequest, Downtime, NotFound, RateLimited, Unavailable

IDS_PER_CALL = 1000
MAX_FAILED_CALLS = 22
"""Failed calls per lookup. Isolating one bad id among 1,000 takes up to 11, so each lookup makes headway."""

Found = TypeVar("Found")


@dataclass(slots=True)
class Resolved(Generic[Found]):
    """Answers for the ids ESI knows, the ids it does not, and those nobody got to."""

    found: list[Found] = field(default_factory=list)
    unknown: set[int] = field(default_factory=set)
    unresolved: set[int] = field(default_factory=set)


async def resolve(ids: Collection[int], ask: Callable[[Sequence[int]], Awaitable[list[Found]]]) -> Resolved[Found]:
    """Ask for all ids, at most `IDS_PER_CALL` in a call; `ask` raises `NotFound` or `BadRequest` for a bad id.

    Raises:
        EveError: what `ask` raised otherwise, unless something was resolved already: then that is
            returned and the rest is unresolved.
    """
    resolved: Resolved[Found] = Resolved()
    ordered = sorted(set(ids))
    waiting = [ordered[start : start + IDS_PER_CALL] for start in range(0, len(ordered), IDS_PER_CALL)][::-1]
    failed = 0
    while waiting and failed < MAX_FAILED_CALLS:
        batch = waiting.pop()
        try:
            resolved.found += await ask(batch)
        except (NotFound, BadRequest):
            failed += 1
            if len(batch) == 1:
                resolved.unknown.update(batch)
            else:
                half = len(batch) // 2
                waiting += [batch[half:], batch[:half]]
        except (RateLimited, Downtime, Unavailable):
            waiting.append(batch)
            if not resolved.found and not resolved.unknown:
                raise
            break
    resolved.unresolved.update(*waiting)
    return resolved
