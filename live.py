"""Live events over Redis: published after a commit, followed by every API process.

They lie in one short Redis stream rather than a pub/sub channel: who loses the connection goes on where it
stood, and who reads slowly reads later. Nothing queues up for a reader, neither here nor in Redis: the stream
keeps its newest `KEPT` events, and a reader that falls behind by more than those misses the oldest. An event says
what to look up in the database, where the truth is.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson
from redis.asyncio import Redis

from redis_client import REDIS_IS_AWAY

STREAM = "killreport:live"
KEPT = 2_000
"""Events kept at least; Redis trims in blocks, so a few more."""
_READ_AT_ONCE = 100
_BLOCK_MILLISECONDS = 2_000  # below redis-py's socket timeout of 5 seconds
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 5.0
_log = logging.getLogger(__name__)

_EntryId = str | bytes


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something changed: killmails are ready, a sync stands elsewhere, what an account may see, or who sees whose board
    (`boards`), which may concern every account.
    """

    kind: Literal["killmails", "sync", "access", "boards"]
    killmail_ids: tuple[int, ...] = ()
    character_ids: tuple[int, ...] = ()
    """Whom it concerns: the pilots on the killmails, or whose sync it is."""
    account_ids: tuple[int, ...] = ()
    """Whose sessions, keys or characters changed."""


class LiveEvents:
    """Publishes and follows live events.

    Args:
        redis: the process's client. Each running subscription holds one of its connections, so a process wants
            one subscription and hands its events on.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.is_interrupted = False
        """Whether the subscription has lost its connection and tries to get it back."""

    async def killmails_stored(self, killmail_ids: Sequence[int], character_ids: Sequence[int]) -> None:
        """Tell that these killmails are in the database. To be called after the commit; nothing is sent for none.

        Raises:
            redis.exceptions.RedisError: Redis is away; the killmails are stored all the same.
        """
        if killmail_ids:
            await self._publish(LiveEvent("killmails", tuple(killmail_ids), tuple(character_ids)))

    async def sync_changed(self, character_id: int) -> None:
        """Tell that this character's sync state or progress is another one now.

        Raises:
            redis.exceptions.RedisError: Redis is away.
        """
        await self._publish(LiveEvent("sync", (), (character_id,)))

    async def access_changed(self, account_id: int) -> None:
        """Tell that a session or key of the account ended, or that its characters are others now.

        Raises:
            redis.exceptions.RedisError: Redis is away; sockets are looked at every half minute all the same.
        """
        await self._publish(LiveEvent("access", account_ids=(account_id,)))

    async def boards_changed(self) -> None:
        """Tell that a board is open to others now: chosen so, or a role, a corporation or a grant is another one.

        To be called after the commit, and not for what changes nothing: each process asks anew about all its sockets.

        Raises:
            redis.exceptions.RedisError: Redis is away; sockets are looked at every half minute all the same.
        """
        await self._publish(LiveEvent("boards"))

    async def subscribe(self, missed: Callable[[], None] = lambda: None) -> AsyncGenerator[LiveEvent, None]:
        """Events from the moment of the first `anext` on, until the caller stops.

        A lost connection is mended here, later each time up to 5 seconds, and the events of the meantime follow;
        an event may come twice, then. Ends by cancellation or `aclose()`, which free the connection at once.

        Args:
            missed: called at each vain try and when the connection is back: events may be late, and a server that
                was restarted has lost those of the meantime.
        """
        position: _EntryId | None = None
        delay = _FIRST_DELAY_SECONDS
        while True:
            try:
                if position is None:
                    position = await self._newest()
                entries = await self._read(position)
            except REDIS_IS_AWAY as error:
                self.is_interrupted = True
                missed()
                _log.warning("Live events are interrupted (%s); trying again.", type(error).__name__)
                await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 - spreads the processes
                delay = min(delay * 2, _LONGEST_DELAY_SECONDS)
                continue
            delay = _FIRST_DELAY_SECONDS
            if self.is_interrupted:
                self.is_interrupted = False
                missed()
            for entry_id, fields in entries:
                position = entry_id
                event = _event(fields)
                if event is not None:
                    yield event

    async def _publish(self, event: LiveEvent) -> None:
        await self._redis.xadd(STREAM, {"event": orjson.dumps(asdict(event))}, maxlen=KEPT, approximate=True)

    async def _newest(self) -> _EntryId:
        newest: Any = await self._redis.xrevrange(STREAM, count=1)
        return newest[0][0] if newest else "0-0"

    async def _read(self, after: _EntryId) -> list[tuple[_EntryId, Mapping[Any, Any]]]:
        answer: Any = await self._redis.xread({STREAM: after}, count=_READ_AT_ONCE, block=_BLOCK_MILLISECONDS)
        if isinstance(answer, dict):  # a client that was told to speak RESP3
            return [entry for parts in answer.values() for part in parts for entry in part]
        return [entry for _, part in answer for entry in part]


def _event(fields: Mapping[Any, Any]) -> LiveEvent | None:
    """The event of one entry; None for what another version of this program may have written."""
    try:
        (text,) = fields.values()
        told = orjson.loads(text)
        kind, killmail_ids, character_ids = told["kind"], told["killmail_ids"], told["character_ids"]
        account_ids = told.get("account_ids", ())  # entries of an older version have none
    except (ValueError, KeyError, TypeError):
        _log.warning("A live event of an unknown form was left out.")
        return None
    if kind not in ("killmails", "sync", "access", "boards"):
        return None
    return LiveEvent(kind, tuple(killmail_ids), tuple(character_ids), tuple(account_ids))
