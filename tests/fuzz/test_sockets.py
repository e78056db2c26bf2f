"""Frames as no client of the protocol sends them: the socket closes with a code of it, and the server goes on."""

from __future__ import annotations

import json
import logging
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.socket_messages import CloseCode
from tests.api.running_site import Browser
from tests.fuzz.doors import door
from tests.fuzz.graphql_documents import documents, operations
from tests.fuzz.odd_json import mutated, values, written

pytestmark = pytest.mark.falls_back  # documents of any shape

CODES = {*CloseCode, 1000, 1002, 1003, 1007, 1009}
"""The protocol's, and those of WebSocket for what is no text of it."""
KINDS = ("connection_init", "ping", "pong", "subscribe", "complete", "next", "error", "connection_ack", "", "start")
messages = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("subscribe"), "id": st.sampled_from(["1", "2", "", None, 1, "x" * 9_000])},
        optional={"payload": st.one_of(operations(("query", "mutation", "subscription", "subscription")), values)},
    ).map(written),
    documents.map(lambda text: written({"type": "subscribe", "id": "1", "payload": {"query": text}})),
    mutated(st.sampled_from([{"type": kind, "id": "1", "payload": {"query": "{ me { id } }"}} for kind in KINDS])),
    st.sampled_from([json.dumps({"type": kind, "id": "1"}) for kind in KINDS]),
    values.map(written),
    st.text(max_size=40),
)
frames = st.one_of(messages, messages, messages, messages, st.binary(max_size=40))


@door("frames on a WebSocket", short=60, seconds=40)
@given(sent=st.lists(frames, max_size=6), initialised=st.sampled_from([True, True, True, False]), key=values)
async def test_any_frames_are_answered_or_close_the_socket(
    pilot: Browser, caplog: pytest.LogCaptureFixture, sent: list[str | bytes], initialised: bool, key: Any
) -> None:
    account_id = (
        await pilot.site.pool.fetchval("SELECT min(account_id) FROM accounts") or await pilot.site.add_account()
    )
    await pilot.sign_in(account_id)
    with caplog.at_level(logging.ERROR):
        code = await _talk(
            pilot,
            sent,
            {"type": "connection_init"}
            if initialised
            else {"type": "connection_init", "payload": {"authorization": key}},
        )
        # The server goes on.
        assert (await pilot.get("/healthz"))[0] == 200
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    caplog.clear()
    assert not failures
    assert code in CODES


async def _talk(pilot: Browser, sent: list[str | bytes], first: dict[str, Any]) -> int | None:
    """Send all of it and a frame that nobody may send; the code that closes the socket."""
    try:
        async with pilot.http.ws_connect(
            f"{pilot.site.address}/graphql",
            protocols=["graphql-transport-ws"],
            timeout=aiohttp.ClientWSTimeout(ws_close=5),
        ) as socket:
            for frame in [written(first), *sent, '{"type":"no such type"}']:
                if isinstance(frame, bytes):
                    await socket.send_bytes(frame)
                else:
                    await socket.send_str(frame.encode("utf-8", "replace").decode())
            while True:
                answer = await socket.receive(timeout=20)
                if answer.type is WSMsgType.TEXT:
                    assert "INTERNAL_SERVER_ERROR" not in answer.data, answer.data
                else:
                    break
            return socket.close_code
    except (aiohttp.ClientConnectionError, ConnectionError):
        return 1000  # it was closed while we still spoke
