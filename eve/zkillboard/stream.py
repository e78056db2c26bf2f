"""zKillboard's stream of new killmails (R2Z2): one object a killmail, numbered without end.

Found in its source (`cron/9.queueSequences.php`, August 2026) and in clients of 2026: `/ephemeral/sequence.json` names
a number that may lag some fifty behind; `/ephemeral/<number>.json` is kept for 24 hours; 404 means not yet, and is not
to be asked for again within 6 seconds; at most 10 to 15 requests a second, or an hour of 403. A killmail may come again
under another number, and a hash may be a placeholder.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import aiohttp
import msgspec
from prometheus_client import Counter

from eve.answer import Answer, exchange
from eve.decoding import SomeId
from eve.errors import EveError, MalformedBody, Unavailable, ZkillboardLimited
from eve.killmail import KillmailRef, is_killmail_hash, validate_killmail
from eve.responses import is_error_document, is_html, retry_after, status_failure

PACE_SECONDS = 0.11
"""From one answer to the next request, at least."""
LIMITED_SECONDS = 60.0
"""After a 429 that does not say how long."""
SERVICE = "zKillboard's stream"
ANSWERS = Counter("killreport_zkillboard_stream_answers", "Answers of zKillboard's stream by status.", ["status"])


class Odd(StrEnum):
    """Why an object's killmail cannot be taken."""

    BROKEN = "broken"  # a web page, an error said with 200, cut short: it may be the stream's trouble
    PACKAGE = "package"  # not an object of the stream, or another one than asked for
    HASH = "hash"  # none, no hash, or another than ESI told us
    BODY = "body"  # not ESI's body of that id
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Streamed:
    """An object of the stream. Without `ref` and `body` it cannot be taken, for what is `odd` about it."""

    sequence: int
    uploaded_at: datetime | None = None
    ref: KillmailRef | None = None
    body: bytes = field(default=b"", repr=False)
    odd: Odd | None = None


class _Newest(msgspec.Struct, frozen=True):
    sequence: SomeId


class _Package(msgspec.Struct, frozen=True):
    killmail_id: SomeId
    esi: msgspec.Raw
    hash: Any = None
    sequence_id: Any = None
    uploaded_at: Any = None


class KillmailStream:
    """The client; one per process, which asks one thing at a time. `base_url` "": there is none to ask.

    Every call may raise `ZkillboardLimited`, `Forbidden`, `Unavailable` and `BadRequest`.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._one_at_a_time = asyncio.Lock()
        self._not_before = 0.0

    @property
    def is_on(self) -> bool:
        """Whether there is a stream to follow."""
        return bool(self._base_url)

    async def newest(self) -> int:
        """A number that the stream has reached; it may lag."""
        answer = await self._ask("sequence")
        if answer is None:
            raise Unavailable(f"{SERVICE} does not say how far it is.")
        try:
            return msgspec.json.decode(answer.body, type=_Newest).sequence
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unavailable(f"{SERVICE} does not say how far it is.") from None

    async def at(self, sequence: int) -> Streamed | None:
        """What has this number; None: nothing yet, or nothing any more."""
        try:
            answer = await self._ask(str(sequence))
        except MalformedBody:
            return Streamed(sequence, odd=Odd.TOO_LARGE)
        if answer is None:
            return None
        if is_html(answer) or is_error_document(answer.body):
            return Streamed(sequence, odd=Odd.BROKEN)
        return await asyncio.to_thread(_streamed, sequence, answer.body)

    async def _ask(self, name: str) -> Answer | None:
        """None: 404, whatever page comes with it."""
        async with self._one_at_a_time:
            await asyncio.sleep(self._not_before - time.monotonic())
            try:
                answer = await exchange(
                    self._session, "GET", f"{self._base_url}/ephemeral/{name}.json", service=SERVICE
                )
            finally:
                self._not_before = time.monotonic() + PACE_SECONDS
        ANSWERS.labels(str(answer.status)).inc()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _failure(answer, datetime.now(UTC))
        return answer


def _failure(answer: Answer, now: datetime) -> EveError:
    if answer.status == 429:
        return ZkillboardLimited(now + timedelta(seconds=retry_after(answer, now) or LIMITED_SECONDS))
    return status_failure(answer.status, SERVICE, "ZKILLBOARD_STREAM_URL")


def _streamed(sequence: int, raw: bytes) -> Streamed:
    try:
        package = msgspec.json.decode(raw, type=_Package)
    except msgspec.ValidationError:
        return Streamed(sequence, odd=Odd.PACKAGE)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Streamed(sequence, odd=Odd.BROKEN)
    uploaded_at = _time(package.uploaded_at)
    if package.sequence_id not in (None, sequence):
        return Streamed(sequence, uploaded_at, odd=Odd.PACKAGE)
    if not is_killmail_hash(package.hash):
        return Streamed(sequence, uploaded_at, odd=Odd.HASH)
    body = bytes(package.esi)  # as it came: no number is read and written anew
    try:
        validate_killmail(body, package.killmail_id, SERVICE)
    except (MalformedBody, Unavailable):
        return Streamed(sequence, uploaded_at, odd=Odd.BODY)
    return Streamed(sequence, uploaded_at, KillmailRef(package.killmail_id, package.hash.lower()), body)


def _time(told: object) -> datetime | None:
    """From unix seconds; None where it is no time of our own age."""
    if not isinstance(told, int | float) or not 0 < told < 4e9:
        return None
    return datetime.fromtimestamp(told, UTC)
