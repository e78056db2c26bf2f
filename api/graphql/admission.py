"""Whether a caller may ask now: the door between what a client sent and its execution, for HTTP and sockets alike."""

from __future__ import annotations

from typing import Any

from starlette.requests import HTTPConnection

from api.graphql.cost import INVALID_COST
from api.graphql.documents import InvalidDocument
from api.graphql.errors import Code, Refused, plain_error
from api.graphql.execution import Answer, Context, Executor, Operation, Planned
from api.services import Services
from api.serving.rate_limits import Identity, Verdict
from db.accounts.sessions import Caller


class LimitReached(Exception):
    """The bucket is empty; `verdict` says for how long."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"Too many requests: try again in {verdict.retry_after} s.")
        self.verdict = verdict

    @property
    def answer(self) -> Answer:
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


async def admit(
    executor: Executor, operation: Operation, context: Context, identity: Identity
) -> tuple[Planned | InvalidDocument, Verdict | None]:
    """Plan the operation and take its cost from the bucket, also when it is invalid.

    Raises:
        LimitReached
    """
    try:
        planned = await executor.plan(operation, context)
    except InvalidDocument as invalid:
        return invalid, await charge(context.services, identity, INVALID_COST)
    if planned.cost > identity.quota.cost:
        sentence = f"This operation costs {planned.cost:,}; you can spend {identity.quota.cost:,} per minute."
        refused = InvalidDocument(Code.TOO_COMPLEX, [Refused(Code.TOO_COMPLEX, sentence)])
        return refused, await charge(context.services, identity, INVALID_COST)
    return planned, await charge(context.services, identity, planned.cost)


def with_cost(answer: Answer, planned: Planned, verdict: Verdict | None) -> Answer:
    """The answer with `extensions.cost`, by the names that Shopify and Saleor use."""
    told: dict[str, Any] = {"requestedQueryCost": planned.cost}
    if verdict is not None:
        told |= {
            "maximumAvailable": verdict.quota.cost,
            "currentlyAvailable": verdict.cost_left,
            "restoreRate": round(verdict.quota.cost / 60, 1),
        }
    return {**answer, "extensions": {"cost": told}}
