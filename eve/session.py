"""The one HTTP session a process has with EVE's services."""

from __future__ import annotations

import aiohttp

from settings import Settings

COMPATIBILITY_DATE = "2026-07-21"
"""The version of ESI we are written against: a date that ESI lists (ESI docs, "Versioning").

Pinned, not computed: without one ESI answers as it did in 2020, and a date that has not begun at
11:00 UTC yet is refused. Moving it is a change of code with its tests.
"""
TOTAL_SECONDS = 30.0
"""Longest an answer may take; ESI itself gives up on the game server after 10 s."""
CONNECTIONS = 40
"""Connections at once: enough to fetch a batch of killmails in one or two round trips."""


def open_session(settings: Settings) -> aiohttp.ClientSession:
    """The session, to be closed by its owner. Says who we are and which ESI we speak; keeps no cookies."""
    return aiohttp.ClientSession(
        headers={
            "User-Agent": settings.user_agent,
            "X-Compatibility-Date": COMPATIBILITY_DATE,
            "Accept": "application/json",
        },
        timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=10.0, sock_read=20.0),
        connector=aiohttp.TCPConnector(
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS,
            keepalive_timeout=30.0,
            local_addr=(settings.esi_local_address, 0) if settings.esi_local_address else None,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
