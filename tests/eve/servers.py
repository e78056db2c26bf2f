"""A tiny ESI whose every answer a test writes itself, for what the sandbox EVE would never say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CLIENT_ID = "killreport-test"
CHARACTER_ID = 2112625428
FERNET_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """The base URL, with a path, of a server that answers everything with `handler`."""

    async def route(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    application = web.Application()
    application.router.add_route("*", "/eve/{tail:.*}", route)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    try:
        yield str(server.make_url("/eve"))
    finally:
        await server.close()


def settings_for(base_url: str, secret: str = "") -> Settings:
    return Settings.model_validate(
        {
            "database_url": "postgresql://nobody@127.0.0.1/none",
            "redis_url": "redis://127.0.0.1:1/0",
            "eve_client_id": CLIENT_ID,
            "eve_client_secret": secret,
            "esi_base_url": base_url,
            "eve_sso_url": base_url,
            "contact": "pilot@example.com",
            "public_url": "https://killreport.example",
            "token_encryption_keys": FERNET_KEY,
        }
    )


def tokens(remaining: int, used: int = 2, group: str = "killmail", limit: str = "3600/15m") -> dict[str, str]:
    """Headers of a route in a rate-limit group."""
    return {
        "X-Ratelimit-Group": group,
        "X-Ratelimit-Limit": limit,
        "X-Ratelimit-Remaining": str(remaining),
        "X-Ratelimit-Used": str(used),
    }


def errors_left(remain: int, reset: int = 30) -> dict[str, str]:
    """Headers of a route under the legacy error limit."""
    return {"X-ESI-Error-Limit-Remain": str(remain), "X-ESI-Error-Limit-Reset": str(reset)}
