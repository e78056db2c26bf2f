"""Ariadne as it comes, served beside ours: what a test of ours guards against is shown on it first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from ariadne import MutationType, QueryType, SubscriptionType, make_executable_schema
from ariadne.asgi import GraphQL
from ariadne.asgi.handlers import GraphQLTransportWSHandler
from starlette.types import ASGIApp

from sandbox.process import free_port

TYPES = """
type Query { ping: String! secret: String required: String! slow: String! list(first: Int = 1): [String!]! }
type Mutation { ping: String! }
type Subscription { broken: Int! }
"""
query, mutation, subscription = QueryType(), MutationType(), SubscriptionType()
mutations = {"done": 0}
started: list[str] = []
"""The root fields that were resolved, for tests that count them."""
rendered: list[int] = []
"""The events that were rendered."""
slow = asyncio.Event()
"""What the field `slow` waits for."""


@query.field("ping")
def resolve_ping(*_: Any) -> str:
    started.append("ping")
    return "pong"


@query.field("secret")
@query.field("required")
def resolve_secret(*_: Any) -> str:
    raise ValueError("password of the database")


@query.field("slow")
async def resolve_slow(*_: Any) -> str:
    await slow.wait()
    return "done"


@mutation.field("ping")
def resolve_change(*_: Any) -> str:
    mutations["done"] += 1
    return "pong"


@subscription.source("broken")
async def source_broken(*_: Any) -> AsyncGenerator[int, None]:
    yield 1
    raise ValueError("password of the database")


@subscription.field("broken")
def resolve_broken(value: int, *_: Any) -> int:
    rendered.append(value)
    return value


schema = make_executable_schema(TYPES, query, mutation, subscription)


def plain(**options: Any) -> GraphQL:
    """`ariadne.asgi.GraphQL` with its defaults but for the socket's handler, whose default speaks an older protocol."""
    return GraphQL(schema, websocket_handler=GraphQLTransportWSHandler(**options))


@asynccontextmanager
async def serve_plain(app: ASGIApp) -> AsyncIterator[str]:
    """The application behind a real server; yields its address."""
    port = free_port()
    config = uvicorn.Config(app, port=port, log_config=None, access_log=False, lifespan="off")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    while not server.started:
        if serving.done():
            serving.result()
            raise AssertionError("the server ended before it served")
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
        for task in left_behind():
            task.cancel()


def left_behind() -> set[asyncio.Task[Any]]:
    """The tasks that Ariadne leaves asleep for a minute, one for each socket there was."""
    return {task for task in asyncio.all_tasks() if "handle_connection_init_timeout" in repr(task.get_coro())}
