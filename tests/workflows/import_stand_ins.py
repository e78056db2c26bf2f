"""The activities of a zKillboard import, under the real ones' names: they only remember what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity

from contracts.imports import (
    BegunImport,
    CountedPage,
    CountPage,
    FinishImport,
    ImportAccount,
    ImportedPage,
    ImportPage,
    NoteImport,
    Position,
)


@dataclass
class ImportStandIns:
    """`page` is asked for each page's answer, `counted` for its length: or an exception to raise.

    `noting` and `finishing` may have one to raise as well.
    """

    page: Callable[[Position], ImportedPage | Exception] = lambda _: ImportedPage()
    counted: Callable[[int], CountedPage | Exception] = lambda _: CountedPage()
    noting: Callable[[NoteImport], Exception | None] = lambda _: None
    finishing: Callable[[FinishImport], Exception | None] = lambda _: None
    here: int = 0
    may_finish: asyncio.Event | None = None
    begun: int = 0
    read: list[tuple[int, int, int]] = field(default_factory=list)
    notes: list[NoteImport] = field(default_factory=list)
    finished: list[FinishImport] = field(default_factory=list)

    @activity.defn
    async def begin_zkillboard_import(self, character_id: int) -> BegunImport:
        del character_id
        self.begun += 1
        return BegunImport(self.here)

    @activity.defn
    async def count_zkillboard_page(self, request: CountPage) -> CountedPage:
        answer = self.counted(request.page)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @activity.defn
    async def import_zkillboard_page(self, request: ImportPage) -> ImportedPage:
        position = request.position
        self.read.append((position.year, position.month, position.page))
        answer = self.page(position)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @activity.defn
    async def note_zkillboard_import(self, note: NoteImport) -> None:
        self.notes.append(note)
        if (trouble := self.noting(note)) is not None:
            raise trouble

    @activity.defn
    async def finish_zkillboard_import(self, finish: FinishImport) -> ImportAccount:
        self.finished.append(finish)
        if self.may_finish is not None:
            await self.may_finish.wait()
        if (trouble := self.finishing(finish)) is not None:
            raise trouble
        return ImportAccount(finish.state, finish.failure, cut_off=finish.cut_off)

    @property
    def activities(self) -> list[Callable[..., Any]]:
        return [
            self.begin_zkillboard_import,
            self.count_zkillboard_page,
            self.import_zkillboard_page,
            self.note_zkillboard_import,
            self.finish_zkillboard_import,
        ]
