"""One HTTP exchange with an EVE service: bounded in time and size, never following a redirect.

A redirect is not followed because it would carry the Authorization header to wherever it points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from eve.errors import MalformedBody, NotAsked, Unavailable

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Largest body read. The largest killmail seen is 1 MB (3,753 attackers); ESI allows 10,000 attackers."""


def utc_now() -> datetime:
    """When an answer came: what it says of times is reckoned from here."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and whole body. The body is kept out of `repr`: it may hold tokens or hashes."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes = field(repr=False)


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    service: str,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BODY_BYTES,
    timeout: aiohttp.ClientTimeout | None = None,
) -> Answer:
    """Send one request to `service` (its name, for messages) and read the answer, whatever its status.

    A POST is sent at most once. A GET on a kept connection that the server had closed meanwhile is sent again
    by aiohttp, on a new one.

    `timeout`: the session's if not given.

    Raises:
        NotAsked: no connection could be made, so the request was not sent.
        Unavailable: time-out, or the connection broke before the body was complete.
        MalformedBody: the body is larger than `max_bytes`.
    """
    # `from None` throughout: aiohttp's own errors can hold the URL (with a hash) and the request headers.
    try:
        async with session.request(
            method,
            url,
            headers=headers,
            json=json,
            data=form,
            allow_redirects=False,
            timeout=timeout or session.timeout,
        ) as response:
            return Answer(response.status, response.headers, await _bounded_body(response, max_bytes, service))
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotAsked(f"{service} cannot be reached ({type(error).__name__}).") from None
    except TimeoutError:
        raise Unavailable(f"{service} did not answer in time.") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"The connection to {service} failed ({type(error).__name__}).") from None


async def _bounded_body(response: aiohttp.ClientResponse, max_bytes: int, service: str) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > max_bytes:
            raise MalformedBody(f"{service} sent more than {max_bytes} bytes.")
    return bytes(body)
