"""`…_zkillboard_…`: the steps of a one-time import. Each asks zKillboard at most once, and may run twice."""

from __future__ import annotations

import asyncpg
from temporalio import activity

from activities.errors import CharacterRemoved
from contracts.imports import (
    LAST_PAGE,
    BegunImport,
    CountedPage,
    CountPage,
    FinishImport,
    ImportAccount,
    ImportedPage,
    ImportPage,
    NoteImport,
)
from db.intake.import_pages import NoSuchImport, claim_for_import, new_among, note_progress, oldest_read, record_page
from db.intake.imports import begin_import, finish_import, note_import
from db.intake.public import Ring
from db.intake.receive import Bringer, receive_killmails
from eve.zkillboard.client import Month, Zkillboard, ZkillboardPage
from live import LiveEvents


class Imports:
    """Idempotent, all of them: what a step before has stored is found and not stored again."""

    def __init__(self, pool: asyncpg.Pool, zkillboard: Zkillboard, live: LiveEvents, ring: Ring) -> None:
        self._pool = pool
        self._zkillboard = zkillboard
        self._live = live
        self._ring = ring

    @activity.defn
    async def begin_zkillboard_import(self, character_id: int) -> BegunImport:
        """Forget what an earlier import read, and say how many killmails of the character are here."""
        try:
            return BegunImport(await begin_import(self._pool, character_id))
        except NoSuchImport:
            raise CharacterRemoved from None

    @activity.defn
    async def count_zkillboard_page(self, request: CountPage) -> CountedPage:
        """How long a page of the list is, for the estimate. Stores nothing.

        Raises:
            EveError: zKillboard cannot be asked now.
        """
        page = await self._zkillboard.character_killmails(request.character_id, request.page)
        return CountedPage(page.length, sum(one.body is not None for one in page.killmails))

    @activity.defn
    async def import_zkillboard_page(self, request: ImportPage) -> ImportedPage:
        """Read a page: its references are remembered, then bodies stored that are complete and not here yet.

        Raises:
            EveError: zKillboard cannot be asked now; nothing was changed.
        """
        position, character_id = request.position, request.character_id
        month = Month(position.year, position.month) if position.year else None
        page = await self._zkillboard.character_killmails(character_id, position.page, month)
        if not page.length:
            return ImportedPage()
        return await self._store_page(request, page)

    @activity.defn
    async def note_zkillboard_import(self, note: NoteImport) -> None:
        """Show the pilot what only the workflow knows."""
        await note_import(self._pool, note)
        await self._live.sync_changed(note.character_id)

    @activity.defn
    async def finish_zkillboard_import(self, finish: FinishImport) -> ImportAccount:
        """Put the account on record."""
        account = await finish_import(self._pool, finish)
        await self._live.sync_changed(finish.character_id)
        return account

    async def _store_page(self, request: ImportPage, page: ZkillboardPage) -> ImportedPage:
        character_id = request.character_id
        references = [(one.ref.killmail_id, one.ref.killmail_hash) for one in page.killmails]
        listed = [killmail_id for killmail_id, _ in references]
        try:
            taken = await record_page(self._pool, character_id, request.position, references, page.unusable)
        except NoSuchImport:
            raise CharacterRemoved from None
        bodies = [one.body for one in page.killmails if one.body is not None and one.ref.killmail_id in taken.wanted]
        # What Postgres refuses is asked of ESI, like what comes without a body.
        received = await receive_killmails(self._pool, self._live, bodies, killmail_ids=listed, by=Bringer.ZKILLBOARD)
        await self._ring(received.news)
        new = await new_among(self._pool, character_id, received.stored)  # also what an earlier attempt stored
        missing = await claim_for_import(self._pool, character_id, taken.wanted - set(received.stored))
        await note_progress(self._pool, character_id)
        imported = ImportedPage(page.length, new, missing)
        if request.position.page == LAST_PAGE and (oldest := await oldest_read(self._pool, character_id)):
            imported.oldest_year, imported.oldest_month = oldest.year, oldest.month
        return imported
