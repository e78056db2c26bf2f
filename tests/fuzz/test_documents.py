"""GraphQL over HTTP: whatever document, variables and body come in, an answer that is a client's fault or none."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.running_site import Browser
from tests.fuzz.doors import door
from tests.fuzz.graphql_documents import bodies, documents, operations
from tests.fuzz.odd_json import values, written

pytestmark = pytest.mark.falls_back  # documents of any shape

TEMPORAL_IS_AWAY = b"Temporal is not responding"
TYPES = ("application/json; charset=utf-16", "text/plain", "multipart/form-data", "", "\xff")


async def check(pilot: Browser, caplog: pytest.LogCaptureFixture, method: str, query: str, **sent: object) -> None:
    """The answer is one that a client can read, and no error of ours."""
    with caplog.at_level(logging.ERROR):
        async with pilot.http.request(method, f"{pilot.site.address}/graphql{query}", **sent) as response:  # type: ignore[arg-type]
            status, answer = response.status, await response.read()
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    caplog.clear()
    expected = status < 500 or (status == 503 and TEMPORAL_IS_AWAY in answer)
    assert expected and not failures, answer[:500]  # noqa: PT018 - one tells the other
    assert b"INTERNAL_SERVER_ERROR" not in answer
    told = orjson.loads(answer)
    assert set(told) <= {"data", "errors", "extensions"} and ("data" in told or told["errors"])  # noqa: PT018


@door("GraphQL: bodies over HTTP", short=120, seconds=60)
@given(body=bodies, kind=st.sampled_from(TYPES), usual=st.integers(0, 7))
async def test_any_body_gets_an_answer(
    pilot: Browser, caplog: pytest.LogCaptureFixture, body: bytes, kind: str, usual: int
) -> None:
    await pilot.sign_in(
        await pilot.site.pool.fetchval("SELECT min(account_id) FROM accounts") or await pilot.site.add_account()
    )
    headers = {"Content-Type": "application/json" if usual else kind}
    await check(pilot, caplog, "POST", "", data=body, headers=headers)


@door("GraphQL: queries in the URL", short=30)
@given(
    st.one_of(operations().map(lambda one: one["query"]), documents).filter(lambda text: len(text) < 5_000),
    st.one_of(st.none(), values.map(written)).filter(lambda text: text is None or len(text) < 5_000),
)
async def test_any_url_gets_an_answer(
    pilot: Browser, caplog: pytest.LogCaptureFixture, document: str, variables: str | None
) -> None:
    query = "?query=" + quote(document, errors="surrogatepass")
    if variables is not None:
        query += f"&variables={quote(variables, errors='surrogatepass')}&extensions={quote(json.dumps({'a': 1}))}"
    await check(pilot, caplog, "GET", query)
