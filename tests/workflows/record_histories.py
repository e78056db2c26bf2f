"""Record histories for the replay test: `python -m tests.workflows.record_histories [NAME]…`.

Run it when a new kind of history is wanted, never to make a failing replay pass: that failure says that
workflows which are running now would break on a deploy (use `workflow.patched`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client

from contracts.imports import CountedPage, ImportedPage, ImportState, Position, zkillboard_import_id
from contracts.sync import (
    DiscoverKillmails,
    Discovery,
    EnsureAccessToken,
    FailureType,
    SyncState,
    SyncStatus,
    user_sync_id,
)
from contracts.task_queues import SYNC_QUEUE
from sandbox.process import RunningPart, free_port
from sandbox.temporal import temporal
from temporal.schedules import prepare_temporal
from temporal.user_sync import signal_user_sync, start_or_wake
from temporal.zkillboard_import import cancel_import, start_import
from tests.workflows.stand_ins import StandIns, failure
from tests.workflows.waiting import CHARACTER, ok, until, until_import

HISTORIES = Path(__file__).parent / "histories"
Scenario = Callable[[Client, StandIns], Awaitable[str]]


async def first_sync_and_signals(client: Client, stand_ins: StandIns) -> str:
    """A first sync of 1,000, then every signal and the update."""
    ids = list(range(1000, 0, -1))
    stand_ins.discoveries = lambda r: Discovery(1000, 1000, 7, ids) if r.first else Discovery(1000, unchanged=True)
    await start_or_wake(client, CHARACTER, 900)
    await until(client, ok)
    for looks, signal in enumerate(("sync_now", "force_full_resync", "token_granted"), start=2):
        await signal_user_sync(client, CHARACTER, signal, "recorded")
        await until(client, lambda s, looks=looks: ok(s) and s.cycles == looks)  # type: ignore[misc]
    await signal_user_sync(client, CHARACTER, "pause")
    await until(client, lambda s: s.paused)
    await signal_user_sync(client, CHARACTER, "resume")
    await until(client, lambda s: ok(s) and s.cycles == 5)
    handle = client.get_workflow_handle(user_sync_id(CHARACTER))
    await handle.execute_update("sync_now_and_wait", result_type=SyncStatus)
    return user_sync_id(CHARACTER)


async def troubles(client: Client, stand_ins: StandIns) -> str:
    """A rejected token, a spent budget, an outage, a revoked grant, a login."""
    later = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    answers: list[Discovery | Exception] = [
        failure(FailureType.ACCESS_TOKEN_REJECTED),
        Discovery(listed=2, new=2, run_id=1, killmail_ids=[2, 1]),
        failure(FailureType.RATE_LIMITED, later),
        failure(FailureType.DOWNTIME, later),
        failure(FailureType.UNAVAILABLE),
        failure(FailureType.FORBIDDEN),
    ]
    revoked = False

    def discover(_: DiscoverKillmails) -> Discovery | Exception:
        return answers.pop(0) if answers else Discovery(unchanged=True)

    def token(_: EnsureAccessToken) -> Exception | None:
        return failure(FailureType.NEEDS_LOGIN) if revoked else None

    stand_ins.discoveries, stand_ins.token = discover, token
    stand_ins.names = lambda _: failure(FailureType.UNAVAILABLE) if answers else None
    await start_or_wake(client, CHARACTER, 900)
    await until(client, lambda s: s.cycles == 1)
    for looks in range(2, 7):
        await signal_user_sync(client, CHARACTER, "sync_now")
        await until(client, lambda s, looks=looks: s.cycles == looks)  # type: ignore[misc]
    revoked = True
    await start_or_wake(client, CHARACTER, 900)
    await until(client, lambda s: s.state == SyncState.NEEDS_LOGIN)
    revoked = False
    await start_or_wake(client, CHARACTER, 900)
    await until(client, ok)
    return user_sync_id(CHARACTER)


async def a_short_interval(client: Client, stand_ins: StandIns) -> str:  # noqa: ARG001 - answers as they are
    """Looks by the timer, until the workflow continued as new on the server's suggestion."""
    await start_or_wake(client, CHARACTER, 1)
    first = await client.get_workflow_handle(user_sync_id(CHARACTER)).describe()
    await until(client, lambda s: s.cycles >= 12)
    return f"{user_sync_id(CHARACTER)}/{first.run_id}"


async def watchdog(client: Client, stand_ins: StandIns) -> str:  # noqa: ARG001
    """One run with orphans."""
    await client.execute_workflow("Watchdog", id="watchdog-recorded", task_queue=SYNC_QUEUE)
    return "watchdog-recorded"


async def zkillboard_import(client: Client, stand_ins: StandIns) -> str:
    """An estimate, the pilot's word, pages with and without bodies, a limit, names that are put off, the account."""
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    limited: list[Exception] = [failure(FailureType.RATE_LIMITED, soon)]
    unnamed: list[Exception] = [failure(FailureType.UNAVAILABLE)]
    stand_ins.imports.counted = lambda page: CountedPage(200 if page < 4 else 0, 100)
    stand_ins.imports.here = 150

    def page(position: Position) -> ImportedPage | Exception:
        if position.page == 2 and limited:
            return limited.pop()
        if position.page > 3:
            return ImportedPage()
        first = position.page * 1000
        return ImportedPage(200, list(range(first, first + 100)), list(range(first + 100, first + 200)))

    stand_ins.imports.page = page
    stand_ins.names = lambda _: unnamed.pop() if unnamed else None
    await start_import(client, CHARACTER, ask_first=True, reason="recorded")
    await until_import(client, lambda status: status.state == ImportState.ESTIMATED)
    handle = await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    await handle.result()
    return zkillboard_import_id(CHARACTER)


async def zkillboard_import_cancelled(client: Client, stand_ins: StandIns) -> str:
    """Cancelled while it waits for zKillboard to come back."""
    stand_ins.imports.counted = lambda page: CountedPage(200 if page < 2 else 0, 200)
    stand_ins.imports.page = lambda _: failure(FailureType.UNAVAILABLE)
    handle = await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    await until_import(client, lambda status: status.state == ImportState.WAITING)
    await cancel_import(client, CHARACTER, "recorded")
    await handle.result()
    return zkillboard_import_id(CHARACTER)


def without_this_machine(part: Any) -> Any:
    """The history without the paths in its stack traces."""
    if isinstance(part, list):
        return [without_this_machine(one) for one in part]
    if isinstance(part, dict):
        return {name: without_this_machine(value) for name, value in part.items() if name != "stackTrace"}
    return part


async def main() -> None:
    scenarios: list[Scenario] = [first_sync_and_signals, troubles, a_short_interval, watchdog]
    scenarios += [zkillboard_import, zkillboard_import_cancelled]
    if len(sys.argv) > 1:
        scenarios = [scenario for scenario in scenarios if scenario.__name__ in sys.argv[1:]]
    for scenario in scenarios:
        with tempfile.TemporaryDirectory() as directory:
            part, address = temporal(
                Path(directory),
                free_port(),
                None,
                durable=False,
                dynamic_config=("limit.historyCount.suggestContinueAsNew=80",) if scenario is a_short_interval else (),
            )
            running = await RunningPart.start(part)
            try:
                client = await Client.connect(address, identity="recorder")
                await prepare_temporal(client)
                await client.get_schedule_handle("watchdog").pause()
                stand_ins = StandIns()
                async with contextlib.AsyncExitStack() as stack:
                    for worker in stand_ins.workers(client):
                        await stack.enter_async_context(worker)
                    workflow_id, _, run_id = (await scenario(client, stand_ins)).partition("/")
                    history = await client.get_workflow_handle(workflow_id, run_id=run_id or None).fetch_history()
                recorded = json.dumps(without_this_machine(history.to_json_dict()))
                (HISTORIES / f"{scenario.__name__}.json").write_text(recorded + "\n")
            finally:
                await running.stop()


if __name__ == "__main__":
    HISTORIES.mkdir(exist_ok=True)
    asyncio.run(main())
