"""Tell those who may see killmails that they are here; of an imported history, only what is news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from db.references import recent_among, users_on
from eve.budget import CallClass
from live import LiveEvents

NEWS = timedelta(hours=1)
"""What an import brings and happened within this would have come by the sync anyway, and is announced."""


async def announce(pool: asyncpg.Pool, live: LiveEvents, killmail_ids: Sequence[int], call_class: CallClass) -> None:
    """To be called after the commit. Years-old killmails must not drop in at the top of anybody's live feed."""
    if call_class is CallClass.IMPORT:
        killmail_ids = await recent_among(pool, killmail_ids, NEWS)
    if killmail_ids:
        await live.killmails_stored(killmail_ids, await users_on(pool, killmail_ids))
