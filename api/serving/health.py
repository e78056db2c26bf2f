"""For supervisors and load balancers: does the process live, and do its services answer?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import orjson
import temporalio.service
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.services import Services, services_of
from db.failures import DATABASE_FAILURES
from db.schema import DatabaseIsOlder
from redis_client import REDIS_IS_AWAY

PATIENCE_SECONDS = 2.0
INDISPENSABLE = "postgres"
FAILURES = (
    RuntimeError,  # Temporal's first connection failed
    *DATABASE_FAILURES,
    *REDIS_IS_AWAY,
    temporalio.service.RPCError,
)


async def healthz(_: Request) -> Response:
    """The process lives and its event loop turns."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Each service by name with "ok" or what is wrong with it; 503 if Postgres does not answer or is not migrated.

    Without Redis or Temporal the process still shows what is stored, so it is worth asking. However many ask at once,
    each service is asked once: this page is public, and nobody pays for it.
    """
    state = request.app.state
    if (asking := getattr(state, "readiness", None)) is None or asking.done():
        asking = state.readiness = asyncio.ensure_future(_found(services_of(request)))
    found = await asyncio.shield(asking)
    status = 200 if found[INDISPENSABLE] == "ok" else 503
    return Response(orjson.dumps(found), status, {"Cache-Control": "no-store"}, media_type="application/json")


async def _found(services: Services) -> dict[str, str]:
    checks: dict[str, Callable[[Services], Awaitable[None]]] = {
        "postgres": _postgres,
        "redis": _redis,
        "temporal": _temporal,
    }
    findings = await asyncio.gather(*(_finding(name, check(services)) for name, check in checks.items()))
    return {**dict(zip(checks, findings, strict=True)), "live": _live(services)}


async def _finding(name: str, check: Awaitable[None]) -> str:
    checking = asyncio.ensure_future(check)
    await asyncio.wait([checking], timeout=PATIENCE_SECONDS)
    if not checking.done():
        # Not waited for: a driver may take long to take back what it asked of a server that is silent.
        checking.cancel()
        checking.add_done_callback(lambda one: one.cancelled() or one.exception())
        return f"{name} did not answer within {PATIENCE_SECONDS:.0f} s."
    try:
        checking.result()
    except DatabaseIsOlder as error:
        return str(error)
    except FAILURES as error:
        # The type only: messages of drivers hold addresses and users, and this page is public.
        return f"{name} does not answer ({type(error).__name__})."
    return "ok"


async def _postgres(services: Services) -> None:
    if services.schema.is_here:
        await services.pool.fetchval("SELECT 1 FROM users LIMIT 1")
    else:
        await services.schema.check(services.pool)


async def _redis(services: Services) -> None:
    await services.redis.ping()


async def _temporal(services: Services) -> None:
    if not await services.temporal.service_client.check_health():
        raise RuntimeError("not serving")


def _live(services: Services) -> str:
    """What this process does by itself."""
    if down := services.tasks.down:
        return f"not running at the moment, to be started again: {', '.join(down)}."
    return "live events are interrupted." if services.live_feed.is_interrupted else "ok"
