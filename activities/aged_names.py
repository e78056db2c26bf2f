"""`refresh_names`: names that have aged are asked for again in bulk, and what else has aged is noted as wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg
from temporalio import activity

from contracts.call_classes import CallClass
from contracts.universe import RefreshedNames, RefreshNames
from db.universe.aged_names import aged_names, confirm_names
from db.universe.details import details_are_wanted, want_aged_details
from db.universe.names import store_names
from eve.esi.client import Esi
from eve.esi.lookup import IDS_PER_CALL

CALLS = 5
"""Bulk calls one activity makes."""


class AgedNames:
    """`wake`: told that there are details to ask for."""

    def __init__(self, pool: asyncpg.Pool, esi: Esi, wake: Callable[[], Awaitable[None]] | None = None) -> None:
        self._pool = pool
        self._esi = esi
        self._wake = wake

    @activity.defn
    async def refresh_names(self, request: RefreshNames) -> RefreshedNames:
        """An id that ESI did not get to stays aged, and so does all after a failure.

        Raises:
            EveError: ESI cannot be asked now; what it told until then is kept.
        """
        refreshed = RefreshedNames(after_id=request.after_id, done=False)
        for _ in range(CALLS):
            aged = await aged_names(self._pool, refreshed.after_id, IDS_PER_CALL)
            # Apart: one id that ESI does not know fails the call of all.
            for ids in filter(None, (aged.known, aged.unknown)):
                names = await self._esi.names(ids, CallClass.REFRESH)
                found = [(named.id, named.category, named.name) for named in names.found]
                written = await store_names(self._pool, found, names.unknown)
                await confirm_names(self._pool, {named.id for named in names.found} | names.unknown)
                refreshed.asked += len(names.found) + len(names.unknown)
                refreshed.unknown += len(names.unknown)
                refreshed.changed += written - (len(names.unknown) if ids is aged.unknown else 0)
            if aged.after_id is None:
                refreshed.done = True
                await want_aged_details(self._pool)
                if self._wake is not None and await details_are_wanted(self._pool):
                    await self._wake()
                break
            refreshed.after_id = aged.after_id
        return refreshed
