"""Whose bucket pays for a request, and what happens when it is empty: for GraphQL and the exports alike."""

from __future__ import annotations

from typing import Any

from starlette.requests import HTTPConnection

from api.errors import Code, plain_error
from api.services import Services
from api.serving.rate_limits import Identity, Verdict
from db.accounts.sessions import Caller

INVALID_COST = 10
"""Of what is refused and was looked at all the same: a document that cannot be executed, a key that opens nothing."""


class LimitReached(Exception):
    """The bucket is empty; `verdict` says for how long."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"Too many requests: try again in {verdict.retry_after} s.")
        self.verdict = verdict

    @property
    def answer(self) -> dict[str, Any]:
        """What the client is told."""
        error = plain_error(Code.RATE_LIMITED, str(self))
        error["extensions"]["retryAfter"] = self.verdict.retry_after
        return {"errors": [error]}


def identity_of(connection: HTTPConnection, services: Services, caller: Caller | None) -> Identity:
    """Whose bucket pays for this connection's requests."""
    address = connection.client.host if connection.client is not None else ""
    return services.rate_limits.identity(caller, address)


def turn_away(services: Services, identity: Identity) -> None:
    """Before anything is read: callers that were refused a moment ago cost nothing more.

    Raises:
        LimitReached
    """
    if (verdict := services.rate_limits.refused_before(identity)) is not None:
        raise LimitReached(verdict)


async def charge(services: Services, identity: Identity, cost: int) -> Verdict | None:
    """Take a request of this cost from the bucket. None: nothing is limited at the moment.

    Raises:
        LimitReached
    """
    verdict = await services.rate_limits.take(identity, cost)
    if verdict is not None and not verdict.granted:
        raise LimitReached(verdict)
    return verdict
