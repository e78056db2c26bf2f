"""Record histories for the replay test: `python -m tests.workflows.record_histories [WORKFLOW]…`.

Each version has a folder, kept for good: runs that it began may go on under later ones. Records the scenarios that have
no history of the version in pyproject.toml yet, and no other; `--check` names them, for `make release`. A history that
does not replay any more says that workflows which are running now would break on a deploy (use `workflow.patched`), and
is not mended here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from sandbox.process import RunningPart, free_port
from sandbox.temporal import temporal
from settings import VERSION
from temporal.schedules import INDEXED, prepare_temporal
from tests.workflows.conftest import TEST_SERVER
from tests.workflows.scenarios import (
    Scenario,
    archive,
    calendar,
    corporation,
    live_killmails,
    pilot,
    universe,
    webhook,
    zkillboard,
)
from tests.workflows.scripted import Scripted

HISTORIES = Path(__file__).parent / "histories"
SCENARIOS: dict[str, tuple[Scenario, ...]] = {
    "UserSync": pilot.SCENARIOS,
    "CorporationSync": corporation.SCENARIOS,
    "ZkillboardImport": zkillboard.SCENARIOS,
    "ArchiveDay": archive.ARCHIVE_DAY,
    "ArchiveFollow": archive.ARCHIVE_FOLLOW,
    "ArchiveHistory": archive.ARCHIVE_HISTORY,
    "LiveKillmails": live_killmails.LIVE_KILLMAILS,
    "Enrichment": universe.ENRICHMENT,
    "NameRefresh": universe.NAME_REFRESH,
    "KillmailNaming": universe.NAMING,
    "Watchdog": calendar.WATCHDOG,
    "PriceSnapshot": calendar.PRICE_SNAPSHOT,
    "MarketHistory": calendar.MARKET_HISTORY,
    "StaticDataFollow": calendar.STATIC_DATA_FOLLOW,
    "Revaluation": calendar.REVALUATION,
    "Housekeeping": calendar.HOUSEKEEPING,
    "Sums": calendar.SUMS,
    "DailyFullSync": calendar.DAILY_FULL_SYNC,
    "Departure": calendar.DEPARTURE,
    "Webhook": webhook.WEBHOOK,
}
"""By the workflow's name, which is the histories' folder too, in that of the version."""
RECORDER = "recorder"
"""What a history says instead of this machine's name."""


def missing(directory: Path) -> list[Path]:
    """What is not recorded yet, of one version."""
    paths = [directory / workflow / f"{one.name}.json" for workflow, told in SCENARIOS.items() for one in told]
    return [path for path in paths if not path.exists()]


async def main(wanted: list[str]) -> None:
    for path in missing(HISTORIES / VERSION):
        workflow = path.parent.name
        if not wanted or workflow in wanted:
            [scenario] = (one for one in SCENARIOS[workflow] if one.name == path.stem)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(await record(scenario))
            print(f"{path.relative_to(HISTORIES)}: {path.stat().st_size:,} bytes")  # noqa: T201 - whoever records waits


async def record(scenario: Scenario) -> str:
    """The history of one workflow's run, on a server of its own, as compact JSON."""
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(time_skipping_server() if scenario.skips_time else server(scenario))
        stand_ins = Scripted()
        for worker in stand_ins.workers(client):
            await stack.enter_async_context(worker)
        workflow_id, _, run_id = (await scenario.play(client, stand_ins)).partition("/")
        history = await client.get_workflow_handle(workflow_id, run_id=run_id or None).fetch_history()
    return json.dumps(without_this_machine(history.to_json_dict()), separators=(",", ":")) + "\n"


@contextlib.asynccontextmanager
async def server(scenario: Scenario) -> AsyncIterator[Client]:
    """The real one, in memory."""
    limit = scenario.continues_after
    config = () if limit is None else (f"limit.historyCount.suggestContinueAsNew={limit}",)
    with tempfile.TemporaryDirectory() as directory:
        part, address = temporal(Path(directory), free_port(), None, durable=False, dynamic_config=config)
        running = await RunningPart.start(part)
        try:
            client = await Client.connect(address, identity=RECORDER)
            await prepare_temporal(client)
            await client.get_schedule_handle("watchdog").pause()
            yield client
        finally:
            await running.stop()


@contextlib.asynccontextmanager
async def time_skipping_server() -> AsyncIterator[Client]:
    """Lets the time that a workflow sleeps pass at once while its result is waited for."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(TEST_SERVER), identity=RECORDER
    ) as environment:
        client = environment.client
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=INDEXED)
        )
        yield client


def without_this_machine(part: Any) -> Any:
    """The history without the paths in its stack traces."""
    if isinstance(part, list):
        return [without_this_machine(one) for one in part]
    if isinstance(part, dict):
        return {name: without_this_machine(value) for name, value in part.items() if name != "stackTrace"}
    return part


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(", ".join(f"{path.parent.name}/{path.stem}" for path in missing(HISTORIES / VERSION)) or 0)
    asyncio.run(main(sys.argv[1:]))
