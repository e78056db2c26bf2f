"""What stands before every route: latency, faults, ESI's limits and versions, and the account of each request."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from aiohttp import web

from sandbox.eve.answers import Refusal, refusal, response
from sandbox.eve.budgets import Bucket, Spending, cost
from sandbox.eve.callers import Caller, Callers
from sandbox.eve.clock import http_date
from sandbox.eve.faults import Fault, FaultKind
from sandbox.eve.requests import RequestRecord
from sandbox.eve.routing import Asked, Route
from sandbox.eve.world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OLDEST_COMPATIBILITY_DATE = date(2020, 1, 1)
ERROR_LIMITED = (
    "This software has exceeded the error limit for ESI. If you are a user, please contact the maintainer of this"
    " software. If you are a developer/maintainer, please make a greater effort in the future to receive valid"
    " responses."
)
HTML_502 = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Gateway:
    """Wraps handlers: those of ESI with its limits, the others with latency and faults alone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._callers = Callers(world.keys, world.clock)

    def esi(self, route: Route) -> Handler:
        """A handler for a route of ESI."""

        async def handle(request: web.Request) -> web.StreamResponse:
            payload = await request.read()
            caller = self._callers.of(request)
            fault = await self._arrive(route.template, request.path)
            spending: Spending | None = None
            bucket: Bucket | None = None
            headers: dict[str, str] = {}
            try:
                if self._world.budgets.errors_left(caller.address) <= 0:
                    raise self._error_limited(caller)
                if route.limit:
                    # A request that is not authenticated is charged to its source address.
                    bucket = self._world.budgets.bucket(route.limit, caller.user(route.authenticated))
                    spending = bucket.begin()
                    if spending is None:
                        headers = {"Retry-After": str(bucket.retry_after), **bucket.headers(0)}
                        raise refusal(429, "Rate limit exceeded")
                answer = self._answer(route, request, caller, payload, fault)
            except Refusal as refused:
                answer = refused.response()
            bare = fault is not None and fault.kind is FaultKind.RATE_LIMITED_BARE
            if bucket and spending:
                spending.tokens = cost(answer.status)
                headers = bucket.headers(spending.tokens)
            elif not route.limit:
                if answer.status >= 400 and answer.status not in (420, 429):
                    self._world.budgets.count_error(caller.address)
                headers = self._world.budgets.error_headers(caller.address)
            # The two families of headers exclude each other.
            if not bare and answer.status != 420:
                answer.headers.update(headers)
            self._record(request, route, caller, answer.status, spending.tokens if spending else 0, fault)
            return await self._depart(request, answer, fault)

        return handle

    def plain(self, template: str, handler: Handler) -> Handler:
        """A handler for a route that is not ESI's."""

        async def handle(request: web.Request) -> web.StreamResponse:
            await request.read()
            fault = await self._arrive(template, request.path)
            try:
                self._refuse_by(fault, template)
                answer = await handler(request)
            except Refusal as refused:
                answer = refused.response()
            self._record(request, template, Caller(request.remote or ""), answer.status, 0, fault)
            return await self._depart(request, answer, fault)

        return handle

    def recorded(self, template: str, handler: Handler) -> Handler:
        """A handler for what is not a service of EVE's: neither latency nor faults."""

        async def handle(request: web.Request) -> web.StreamResponse:
            answer = await handler(request)
            self._record(request, template, Caller(request.remote or ""), answer.status, 0, None)
            return answer

        return handle

    async def _arrive(self, template: str, path: str) -> Fault | None:
        fault = self._world.faults.strike(template, path)
        seconds = self._world.options.latency_seconds
        if fault and fault.kind is FaultKind.LATENCY:
            seconds += fault.seconds or 0.0
        if seconds:
            await asyncio.sleep(seconds)
        return fault

    def _answer(
        self, route: Route, request: web.Request, caller: Caller, payload: bytes, fault: Fault | None
    ) -> web.StreamResponse:
        now = self._world.clock.now()
        key = (request.path_qs, caller.character_id)
        if fault is None or fault.kind is not FaultKind.DOWNTIME or self._world.cached_until.get(key, 0) <= now:
            self._refuse_by(fault, route.template)
        self._check_compatibility_date(request, now)
        found = route.handler(Asked(self._world, request, caller, payload, now))
        if self._world.options.unknown_fields and found.body.startswith(b"{"):
            # New optional fields appear under existing compatibility dates (ESI docs, "Versioning").
            found = replace(found, body=b'{"not_known_yet":[{"since":"tomorrow"}],' + found.body[1:])
        if found.expires_at is not None:
            self._world.cached_until[key] = found.expires_at
        return response(found, request, now)

    def _refuse_by(self, fault: Fault | None, template: str) -> None:
        if fault is None:
            return
        seconds = int(fault.seconds) if fault.seconds is not None else 60
        if fault.kind is FaultKind.STATUS:
            status = fault.status or 503
            raise Refusal(
                status, fault.body if fault.body is not None else {"error": f"Fault of the sandbox: {status}"}
            )
        if fault.kind is FaultKind.HTML_502:
            raise Refusal(502, HTML_502)
        if fault.kind is FaultKind.ERROR_LIMITED:
            headers = {"X-ESI-Error-Limit-Remain": "0", "X-ESI-Error-Limit-Reset": str(seconds)}
            raise Refusal(420, {"error": ERROR_LIMITED}, headers)
        if fault.kind is FaultKind.RATE_LIMITED:
            raise Refusal(429, {"error": "Rate limit exceeded"}, {"Retry-After": str(seconds)})
        if fault.kind is FaultKind.RATE_LIMITED_BARE:
            raise Refusal(429, {"error": "Too many requests"})
        if fault.kind is FaultKind.DOWNTIME:
            body = {"error": "Timeout contacting tranquility", "timeout": 10}
            raise Refusal(fault.status or (503 if template.startswith(("/v2/oauth", "/oauth")) else 504), body)

    def _error_limited(self, caller: Caller) -> Refusal:
        return Refusal(420, {"error": ERROR_LIMITED}, self._world.budgets.error_headers(caller.address))

    def _check_compatibility_date(self, request: web.Request, now: float) -> None:
        """A date that has not come yet, or never was, is refused; none at all means the oldest."""
        text = request.headers.get("X-Compatibility-Date") or request.query.get("compatibility_date")
        if not text:
            return
        try:
            asked = date.fromisoformat(text)
        except ValueError:
            raise refusal(400, "X-Compatibility-Date must be a date, YYYY-MM-DD") from None
        # ESI's day begins at 11:00 UTC.
        today = (datetime.fromtimestamp(now, UTC) - timedelta(hours=11)).date()
        if asked > today:
            raise refusal(400, "X-Compatibility-Date must not be in the future")
        if asked < OLDEST_COMPATIBILITY_DATE:
            raise refusal(400, f"X-Compatibility-Date must not be before {OLDEST_COMPATIBILITY_DATE}")

    def _record(
        self,
        request: web.Request,
        route: Route | str,
        caller: Caller,
        status: int,
        tokens: int,
        fault: Fault | None,
    ) -> None:
        template, limit = (route, None) if isinstance(route, str) else (route.template, route.limit)
        self._world.requests.add(
            RequestRecord(
                at=self._world.clock.now(),
                method=request.method,
                route=template,
                path=request.path,
                status=0 if fault and fault.kind is FaultKind.RESET else status,
                character_id=caller.character_id,
                group=limit.group if limit else None,
                tokens=tokens,
                user_agent=request.headers.get("User-Agent", ""),
                compatibility_date=request.headers.get("X-Compatibility-Date", ""),
                address=caller.address,
                fault=fault.kind.value if fault else None,
            )
        )

    async def _depart(
        self, request: web.Request, answer: web.StreamResponse, fault: Fault | None
    ) -> web.StreamResponse:
        answer.headers.setdefault("Date", http_date(self._world.clock.now()))
        transport = request.transport
        if fault is None or transport is None:
            return answer
        if fault.kind is FaultKind.LATE:
            await asyncio.sleep(fault.seconds or 0.0)
        elif fault.kind is FaultKind.RESET:
            if (connection := transport.get_extra_info("socket")) is not None:
                # Closing with no time to linger sends RST instead of FIN.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif fault.kind is FaultKind.TRUNCATED and isinstance(answer, web.Response):
            whole = answer.body if isinstance(answer.body, bytes) else b""
            cut = web.StreamResponse(status=answer.status, headers=answer.headers)
            cut.content_length = len(whole)
            await cut.prepare(request)
            await cut.write(whole[: len(whole) // 2])
            transport.close()
            return cut
        return answer
