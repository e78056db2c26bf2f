"""Whether a caller may ask now: the door between what a client sent and its execution, for HTTP and sockets alike."""

from __future__ import annotations

from typing import Any

from api.errors import Code, Refused
from api.graphql.documents import InvalidDocument
from api.graphql.execution import Answer, Context, Executor, Operation, Planned
from api.serving.admission import INVALID_COST, charge
from api.serving.rate_limits import Identity, Verdict


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
