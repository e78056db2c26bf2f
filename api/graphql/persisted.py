"""Automatic persisted queries: a client sends the SHA-256 of a document, and the document only when we lack it.

The protocol is Apollo's ("Automatic persisted queries"): `extensions.persistedQuery { version: 1, sha256Hash }`. They
are a cache, not a permission: what may be asked is not changed by them. Only documents that are valid, and only of
those who are signed in, are kept: Redis is not a stranger's to fill.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import OrderedDict
from typing import Any

from redis.asyncio import Redis

from redis_client import REDIS_IS_AWAY

log = logging.getLogger(__name__)

KEPT_SECONDS = 7 * 86_400
PATIENCE_SECONDS = 0.5
"""How long a request waits for Redis."""
LONGEST = 16_384
"""Characters of a document that is kept."""
REMEMBERED = 512
"""Documents that a process remembers without asking Redis."""
_HASH = re.compile(r"[0-9a-f]{64}")


class BadPersistedQuery(Exception):
    """The extension is malformed; the message is for the client."""


class PersistedQueries:
    """The documents that are known by their hash."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._known: OrderedDict[str, str] = OrderedDict()

    async def find(self, sha256: str) -> str | None:
        """The document of this hash; None if it must be sent."""
        if (document := self._known.get(sha256)) is not None:
            self._known.move_to_end(sha256)
            return document
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found: Any = await self._redis.getex(f"killreport:query:{sha256}", ex=KEPT_SECONDS)
        except REDIS_IS_AWAY as error:
            log.warning("Redis does not answer (%s): persisted queries are sent again.", type(error).__name__)
            return None
        if found is None:
            return None
        document = found.decode() if isinstance(found, bytes) else str(found)
        self._remember(sha256, document)
        return document

    async def keep(self, sha256: str, document: str) -> None:
        """Keep a valid document; one that is too long is not kept."""
        if len(document) > LONGEST or sha256 in self._known:
            return
        self._remember(sha256, document)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._redis.set(f"killreport:query:{sha256}", document, ex=KEPT_SECONDS)
        except REDIS_IS_AWAY as error:
            log.warning("Redis does not answer (%s): a persisted query is kept here alone.", type(error).__name__)

    def _remember(self, sha256: str, document: str) -> None:
        self._known[sha256] = document
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def persisted_hash(extensions: dict[str, Any] | None, query: str | None) -> str | None:
    """The hash in the request's extensions; None when there is none.

    Raises:
        BadPersistedQuery: it is malformed, or the hash of another document than the one that came with it.
    """
    said = (extensions or {}).get("persistedQuery")
    if said is None:
        return None
    sha256 = said.get("sha256Hash") if isinstance(said, dict) else None
    if not isinstance(sha256, str) or not _HASH.fullmatch(sha256) or said.get("version") != 1:
        raise BadPersistedQuery("`persistedQuery` must have `version` 1 and a `sha256Hash` in lower-case hex.")
    if query is not None and hashlib.sha256(query.encode()).hexdigest() != sha256:
        raise BadPersistedQuery("The provided sha256Hash does not match the query.")
    return sha256
