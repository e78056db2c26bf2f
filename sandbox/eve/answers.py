"""What a route answers before it is HTTP: bytes with their age, or an error in the service's own words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from sandbox.eve.clock import http_date

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """A success. `last_modified` and `expires_at` in unix seconds; None: no such header."""

    body: bytes
    last_modified: float | None = None
    expires_at: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    etag: str = ""
    status: int = 200


class Refusal(Exception):
    """An answer that is not a success: status, body (JSON unless it is text) and headers."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        if isinstance(self.body, str):
            kind = "text/html" if self.body.startswith("<") else "text/plain"
            return web.Response(status=self.status, text=self.body, content_type=kind, headers=self.headers)
        return web.Response(
            status=self.status, body=orjson.dumps(self.body), headers={"Content-Type": JSON, **self.headers}
        )


def refusal(status: int, error: str, **more: Any) -> Refusal:
    """An error as ESI words it: `{"error": …}`."""
    return Refusal(status, {"error": error, **more})


def json_answer(value: Any, now: float, cache_seconds: float | None = None) -> Answer:
    """A value as JSON, cacheable for so long."""
    body = orjson.dumps(value)
    if cache_seconds is None:
        return Answer(body, etag=etag_of(body))
    return Answer(body, now, now + cache_seconds, etag=etag_of(body))


def etag_of(body: bytes) -> str:
    """A strong entity tag."""
    return f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'


def response(answer: Answer, request: web.Request, now: float) -> web.Response:
    """The answer, or 304 when the client has it already."""
    headers = {"Date": http_date(now), **answer.headers}
    if answer.etag:
        headers["ETag"] = answer.etag
    if answer.last_modified is not None:
        headers["Last-Modified"] = http_date(answer.last_modified)
    if answer.expires_at is not None:
        headers["Expires"] = http_date(answer.expires_at)
        headers["Cache-Control"] = f"private, max-age={max(0, int(answer.expires_at - now))}"
    if answer.etag and _known(request.headers.get("If-None-Match", ""), answer.etag):
        return web.Response(status=304, headers=headers)
    return web.Response(
        status=answer.status, body=answer.body, headers={**headers, "Content-Type": answer.content_type}
    )


def _known(if_none_match: str, etag: str) -> bool:
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in (etag, "*") for tag in tags)
