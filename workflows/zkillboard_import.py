"""`ZkillboardImport`: a character's whole history, once, from zKillboard's list: estimate, pages, account.

Page by page, so that at most a page's killmails are anybody's unfinished business: whoever dies or is cancelled
leaves the rest of one page to the character's own sync.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.call_classes import PRIORITY_OF, CallClass
from contracts.claimants import import_of
from contracts.import_sentences import ImportStanding, import_sentence
from contracts.imports import (
    FIRST_MONTH,
    LAST_PAGE,
    CountPage,
    Estimate,
    FinishImport,
    ImportAccount,
    ImportedPage,
    ImportPage,
    ImportRunState,
    ImportState,
    ImportStatus,
    NoteImport,
    Position,
)
from contracts.sync import KILLMAIL_BATCH, FailureType, FetchKillmails, NameEntities, Progress, Request

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import Failure, failure_of, sleep_after
    from workflows.new_run import another_version_is_current, continue_as_new, history_is_long

Answer = TypeVar("Answer")

PAGES_PER_RUN = 50
"""Pages until continue-as-new: a history of some thousand events."""
NAMES_PER_CALL = 1000
ANSWER_WITHIN = timedelta(days=1)
"""An estimate that the pilot does not answer is dropped."""
PAUSE = timedelta(minutes=2)
"""After the first failure that does not say how long; twice as long after each further one."""
LONGEST_PAUSE = timedelta(hours=1)
PUT_ON_RECORD_WITHIN = timedelta(days=1)
"""Whoever ends while our database is away tries so long to put the account on record, every `LONGEST_PAUSE`."""
TRIES = 8
"""Failures in a row that do not say when they end, over about three hours; then the import has failed."""
TRIES_WHEN_REFUSED = 3
"""The same where zKillboard refuses us: it counts errors, and asking on is impolite."""
REFUSALS = frozenset({FailureType.REFUSED, FailureType.FORBIDDEN, FailureType.CONFIGURATION})
ENDS_BY_ITSELF = frozenset({FailureType.RATE_LIMITED, FailureType.DOWNTIME})
SECONDS_PER_PAGE = 1.3
"""One request a second, and the answer's time."""
SECONDS_PER_BODY = 1.0
"""What an import may spend of ESI's budget for killmails: half of 3,600 tokens in 15 minutes, 2 for each."""


class _GaveUp(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.type)
        self.type = failure.type


@workflow.defn(name="ZkillboardImport")
class ZkillboardImport:
    """Id `zkillboard-import-<character_id>`, queue `sync`. Signals: `estimate`, `begin`, `cancel`. Query: `status`."""

    @workflow.init
    def __init__(self, state: ImportRunState) -> None:
        self._state = state
        self._shown = ImportState.ESTIMATING if state.estimate is None else ImportState.IMPORTING
        self._waits: Failure | None = None
        self._begin = not state.ask_first
        self._cancelled = False
        self._stop = False  # a cancellation is lost on an activity that completes in the same moment
        self._ending = False
        self._again: ImportRunState | None = None  # asked for while this one was ending
        self._pages = 0  # in this run
        self._account: ImportAccount | None = None
        self._priority = Priority(
            priority_key=PRIORITY_OF[CallClass.IMPORT], fairness_key=f"character-{state.character_id}"
        )

    @workflow.run
    async def run(self, state: ImportRunState) -> ImportAccount:  # noqa: ARG002 - `__init__` has it
        work = asyncio.ensure_future(self._work())
        try:
            await workflow.wait_condition(lambda: work.done() or self._cancelled)
        except asyncio.CancelledError:  # `temporal workflow cancel`
            await self._stop_work(work)
            await self._finish(ImportState.CANCELLED)
            raise
        account = await self._conclude(work)
        if self._again is not None:
            continue_as_new(self._again)
        return account

    async def _conclude(self, work: asyncio.Future[ImportState | None]) -> ImportAccount:
        if self._cancelled:
            await self._stop_work(work)
            return await self._finish(ImportState.CANCELLED)
        try:
            ended = work.result()
        except _GaveUp as gave_up:
            if gave_up.type == FailureType.REMOVED:
                return ImportAccount(ImportState.CANCELLED, gave_up.type)  # the row has gone with the character
            return await self._finish(ImportState.FAILED, gave_up.type)
        if ended is None:
            continue_as_new(self._state)
        return await self._finish(ended)

    @workflow.signal(description="The pilot has seen the estimate and wants the import.")
    def begin(self, request: Request | None = None) -> None:  # noqa: ARG002 - the reason is in the history
        self._begin = True
        if self._is_over:
            self._again = ImportRunState(self._state.character_id)

    @workflow.signal(description="The pilot wants to know how much there is; one that is under way says so anyway.")
    def estimate(self, request: Request | None = None) -> None:  # noqa: ARG002
        if self._is_over and self._again is None:
            self._again = ImportRunState(self._state.character_id, ask_first=True)

    @workflow.signal(description="Stop after what is being stored; what is here stays.")
    def cancel(self, request: Request | None = None) -> None:  # noqa: ARG002
        self._cancelled = True
        self._again = None

    @workflow.query(description="Where this import stands.")
    def status(self) -> ImportStatus:
        state, estimate = self._state, self._state.estimate
        until = self._waits.until if self._waits is not None else None
        standing = ImportStanding(
            self._shown, until, self._waits.type if self._waits else "", estimate, state.listed, self._account
        )
        progress = Progress(state.listed, max(state.listed, estimate.killmails)) if estimate is not None else None
        return ImportStatus(self._shown, import_sentence(standing), until, state.character_id, estimate, progress)

    @property
    def _is_over(self) -> bool:
        """Whoever asks from now on wants another import."""
        return self._cancelled or self._ending

    async def _work(self) -> ImportState | None:
        """How it ended; None: go on in a new run."""
        state = self._state
        if state.estimate is None:
            state.estimate = await self._estimate()
            if state.estimate.killmails and not self._begin:
                await self._retry(lambda: self._note(ImportState.ESTIMATED))  # nobody answers what they do not see
                try:
                    await workflow.wait_condition(
                        lambda: self._begin or self._stop,
                        timeout=ANSWER_WITHIN,
                        timeout_summary="until the pilot answers",
                    )
                except TimeoutError:
                    return ImportState.CANCELLED
            await self._record_state(ImportState.IMPORTING)
        position: Position | None = state.position
        while position is not None:
            ripe = self._pages > 0 and another_version_is_current()
            if self._pages >= PAGES_PER_RUN or ripe or history_is_long():
                return None
            position = await self._import_page(position)
            if position is not None:
                state.position = position
        while state.unnamed_killmail_ids:
            await self._retry(self._look_up_names)
        return ImportState.DONE

    async def _estimate(self) -> Estimate:
        """Find the last page: one request for the first, then ever closer."""
        character_id, priority = self._state.character_id, self._priority
        begun = await self._retry(lambda: call(activities.BEGIN_IMPORT, character_id, priority))
        first = await self._retry(lambda: call(activities.COUNT_PAGE, CountPage(character_id), priority))
        last, beyond, probe = 1, LAST_PAGE + 1, 2
        full = on_last = first.killmails
        while first.killmails and last + 1 < beyond:
            found = await self._retry(partial(call, activities.COUNT_PAGE, CountPage(character_id, probe), priority))
            if found.killmails:
                last, on_last, full = probe, found.killmails, max(full, found.killmails)
            else:
                beyond = probe
            probe = (last + beyond) // 2
        killmails = (last - 1) * full + on_last
        new = max(0, killmails - begun.here)
        bodies = new * (1 - first.with_body / first.killmails) if first.killmails else 0
        seconds = round(last * SECONDS_PER_PAGE + bodies * SECONDS_PER_BODY)
        return Estimate(killmails, new, last if killmails else 0, seconds, at_least=last == LAST_PAGE)

    async def _import_page(self, position: Position) -> Position | None:
        """Import one page; where to go on, None at the end. What came before is named meanwhile."""
        state = self._state
        request = ImportPage(state.character_id, position)
        page, _ = await asyncio.gather(
            self._retry(lambda: call(activities.IMPORT_PAGE, request, self._priority)),
            self._look_up_names_if_possible(),
        )
        self._pages += 1
        state.listed += page.length
        for start in range(0, len(page.missing_ids), KILLMAIL_BATCH):
            ids = page.missing_ids[start : start + KILLMAIL_BATCH]
            batch = FetchKillmails(ids, CallClass.IMPORT, import_of(state.character_id))
            await self._retry(partial(call, activities.FETCH_KILLMAILS, batch, self._priority))
        state.unnamed_killmail_ids += page.new_ids + page.missing_ids
        workflow.set_current_details(self.status().message)
        return self._next_position(position, page)

    def _next_position(self, position: Position, page: ImportedPage) -> Position | None:
        if page.length and position.page < LAST_PAGE:
            return Position(position.year, position.month, position.page + 1)
        if position.year:
            self._state.cut_off |= bool(page.length)
            return _month_before(position)
        if not page.length:
            return None
        # The undated list ends here; the killmails before its oldest one are listed by their months.
        now = workflow.now()
        return Position(page.oldest_year or now.year, page.oldest_month or now.month)

    async def _look_up_names(self) -> None:
        """Names for what is here; the bulk lookups ask only for what nobody asked before."""
        ids = self._state.unnamed_killmail_ids[:NAMES_PER_CALL]
        if ids:
            request = NameEntities(ids, CallClass.IMPORT)
            await asyncio.gather(
                call(activities.NAME_ENTITIES, request, self._priority),
                call(activities.DESCRIBE_SOLAR_SYSTEMS, request, self._priority),
            )
            del self._state.unnamed_killmail_ids[: len(ids)]

    async def _look_up_names_if_possible(self) -> None:
        try:
            await self._look_up_names()
        except ActivityError as error:
            workflow.logger.warning("Naming is put off: %s", failure_of(error).type)

    async def _retry(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer, however long the limits and outages before it take.

        Raises:
            _GaveUp: it failed too often in a row, or can never succeed.
        """
        state = self._state
        while True:
            if self._stop:
                raise asyncio.CancelledError
            try:
                answer = await call()
            except ActivityError as error:
                failure = failure_of(error)
                if failure.type not in ENDS_BY_ITSELF:
                    state.failures_in_a_row += 1
                tries = TRIES_WHEN_REFUSED if failure.type in REFUSALS else TRIES
                if failure.type == FailureType.REMOVED or state.failures_in_a_row >= tries:
                    raise _GaveUp(failure) from error
                await self._wait(failure)
            else:
                state.failures_in_a_row = 0
                return answer

    async def _wait(self, failure: Failure) -> None:
        shown, now = self._shown, workflow.now()
        pause = min(PAUSE * 2 ** max(0, self._state.failures_in_a_row - 1), LONGEST_PAUSE)
        until = max(failure.until or now + pause, now + timedelta(seconds=1))
        self._waits = Failure(failure.type, until)
        if shown is not ImportState.WAITING:  # naming and a page may wait at the same time
            await self._record_state(ImportState.WAITING)
        with contextlib.suppress(TimeoutError):
            summary = f"retry after {failure.type}"
            await workflow.wait_condition(lambda: self._stop, timeout=until - workflow.now(), timeout_summary=summary)
        self._waits = None
        if shown is not ImportState.WAITING:
            await self._record_state(shown)

    async def _record_state(self, shown: ImportState) -> None:
        """The page shows an old state for a while if our database is away; the import itself goes on."""
        try:
            await self._note(shown)
        except ActivityError as error:
            workflow.logger.warning("The state %s could not be recorded (%s)", shown, failure_of(error).type)

    async def _note(self, shown: ImportState) -> None:
        self._shown = shown
        waits = self._waits
        note = NoteImport(
            self._state.character_id,
            shown,
            waits.until if waits is not None else None,
            waits.type if waits is not None else "",
            self._state.estimate,
        )
        workflow.set_current_details(self.status().message)
        await call(activities.NOTE_IMPORT, note, self._priority)

    async def _stop_work(self, work: asyncio.Future[ImportState | None]) -> None:
        self._stop = True
        work.cancel()
        await workflow.wait([work])
        self._waits = None

    async def _finish(self, ended: ImportState, failure: str = "") -> ImportAccount:
        self._ending = True
        finish = FinishImport(self._state.character_id, ended, failure, self._state.cut_off)
        self._account = await self._put_on_record(finish)
        self._shown, self._waits = ended, None
        workflow.set_current_details(self.status().message)
        return self._account

    async def _put_on_record(self, finish: FinishImport) -> ImportAccount:
        until = workflow.now() + PUT_ON_RECORD_WITHIN
        while True:
            try:
                return await call(activities.FINISH_IMPORT, finish, self._priority)
            except ActivityError as error:
                failure = failure_of(error)
                if failure.is_final or workflow.now() >= until:
                    raise
                workflow.logger.warning("The account could not be put on record (%s)", failure.type)
                await sleep_after(failure, LONGEST_PAUSE)


def _month_before(position: Position) -> Position | None:
    """None: there is nothing before."""
    if (position.year, position.month) <= FIRST_MONTH:
        return None
    return Position(position.year, position.month - 1) if position.month > 1 else Position(position.year - 1, 12)
