"""What is published of everybody comes in: batch by batch, each remembered, named and stored like any killmail.

A day of the archive is read here to its end; of zKillboard's stream, the activity that follows it hands over batches.
"""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from db.intake.archive_days import DayAccount, add_published, came_since, with_another_hash
from db.intake.receive import Bringer, receive_killmails
from db.intake.references import HashFrom, stored_among
from eve.archive.members import Members, Refusal
from eve.wanted import Wanted, WantedKillmail
from live import LiveEvents

STORED_AT_ONCE = 2
"""Batches of a day: Postgres has a core for each connection, and none of them waits for what is sent to and fro."""
NameKillmails = Callable[[Sequence[int]], Awaitable[None]]
"""Has what these killmails mention named, a little later."""
Ring = Callable[[Sequence[int]], Awaitable[None]]
"""Wakes the webhooks that these killmails concern."""


@dataclass(frozen=True, slots=True)
class PublicIntake:
    """Stores what is wanted of a day, or of a batch. Idempotent: what was stored is found and not stored again."""

    pool: asyncpg.Pool
    live: LiveEvents
    name_killmails: NameKillmails
    ring: Ring
    by: Bringer = Bringer.ARCHIVE
    hash_from: HashFrom = HashFrom.ARCHIVE

    async def read(
        self, packed: io.RawIOBase | io.BufferedIOBase, wanted: Wanted, since: datetime, expected: int | None
    ) -> DayAccount:
        """Read a day to its end, however much of it is worth nothing.

        In memory are the batches that are stored just now, and the next one.

        Raises:
            EveError: as the source does; what was read before is stored.
            redis.exceptions.RedisError, asyncpg.PostgresError, OSError: ours is out of order.
        """
        members, refused = Members(packed, wanted), Counter[str]()
        found, new, storing = 0, 0, set[asyncio.Task[int]]()
        # Unpacking and checking are work for a thread: the next batch's, while one is stored.
        ahead = asyncio.create_task(asyncio.to_thread(members.batch))
        try:
            while (batch := await ahead) is not None:
                ahead = asyncio.create_task(asyncio.to_thread(members.batch))
                if not batch:
                    continue
                found += len(batch)
                if len(storing) == STORED_AT_ONCE:
                    done, storing = await asyncio.wait(storing, return_when=asyncio.FIRST_COMPLETED)
                    new += _added(done)
                storing.add(asyncio.create_task(self.store(batch, since, refused)))
        except asyncio.CancelledError:
            for one in storing:
                one.cancel()
            raise
        finally:
            ahead.cancel()
            # What was read before the source failed is stored, and nothing goes on behind the back of who gave up.
            await asyncio.gather(*storing, return_exceptions=True)
        new += _added(storing)
        refused += members.refused
        return DayAccount(expected, members.taken, found, new, {str(why): n for why, n in refused.items() if n})

    async def store(self, batch: Sequence[WantedKillmail], since: datetime, refused: Counter[str]) -> int:
        """How many of them came here by this look; what was not taken is counted in `refused`.

        Raises:
            redis.exceptions.RedisError, asyncpg.PostgresError, OSError: ours is out of order.
        """
        references = [(one.ref.killmail_id, one.ref.killmail_hash) for one in batch]
        doubtful = await with_another_hash(self.pool, references)
        refused[Refusal.HASH] += len(doubtful)
        batch = [one for one in batch if one.ref.killmail_id not in doubtful]
        killmail_ids = [one.ref.killmail_id for one in batch]
        here = set(await stored_among(self.pool, killmail_ids))
        if missing := sorted(set(killmail_ids) - here):
            await self.name_killmails(missing)  # before they are stored: no crash leaves them without names
        shown = [(one.ref.killmail_id, one.ref.killmail_hash, one.named) for one in batch]
        await add_published(self.pool, shown, self.hash_from)
        bodies = [one.body for one in batch if one.ref.killmail_id not in here]
        received = await receive_killmails(self.pool, self.live, bodies, killmail_ids=killmail_ids, by=self.by)
        await self.ring(received.news)
        refused[Refusal.NOT_STORED] += len(received.refused)
        return await came_since(self.pool, received.stored, since)


def _added(done: Iterable[asyncio.Task[int]]) -> int:
    """How many killmails came by these batches; raises what one of them failed with."""
    return sum(one.result() for one in done)
