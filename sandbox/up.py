"""`killreport up`: from a bare checkout to a running KillReport, in the foreground.

Each backing service is started unless its variable says where it is (DATABASE_URL, REDIS_URL,
TEMPORAL_ADDRESS, EVE_CLIENT_ID). What they keep is in `.killreport/`, for the next start.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from db.universe.celestials import load_celestials
from db.universe.hull_slots import load_hull_slots
from eve.hull_slots import slots_of
from operations.connections import database, place
from operations.failure import OperationFailed
from operations.migrate import migrate_everything
from sandbox import parts
from sandbox.claim import claimed, end_what_is_left, forget_stale_postmaster
from sandbox.environment import PENDING, Environment, site_port, token_encryption_key
from sandbox.eve.celestials import celestial_rows
from sandbox.eve.hulls import dogma
from sandbox.ports import start_on_free_ports
from sandbox.postgres import postgres
from sandbox.process import Part, PartFailed, RunningPart
from sandbox.programs import check_installed
from sandbox.stopping import call_when_asked_to_stop
from sandbox.supervision import Supervision, last_words
from sandbox.temporal import temporal
from sandbox.valkey import valkey
from settings import STATE_DIRECTORY, Settings, SettingsError

SANDBOX_DEFAULTS = {
    # A newcomer sees the loop turn while they look; EVE itself would be asked every 15 minutes. ESI's bucket for
    # killmail lists (30 tokens in 15 minutes, 2 a list) leaves room for looks by hand at this pace.
    "SYNC_INTERVAL_SECONDS": "90",
    "SANDBOX_LIST_CACHE_SECONDS": "30",
    "SANDBOX_KILLMAILS_PER_HOUR": "120",
    "SANDBOX_BATTLES_PER_HOUR": "12",
}


def run() -> int:
    """Run until asked to stop.

    Returns:
        The exit status: 0 after a clean stop; 1 when something did not start, or died.
    """
    directory = (Path.cwd() / STATE_DIRECTORY).resolve()
    try:
        check_installed(Environment.of_this_process(directory).is_given)
        with claimed(directory):
            return asyncio.run(Up(directory).run())
    except (OperationFailed, PartFailed, SettingsError) as error:
        print(f"killreport up: {error}", file=sys.stderr, flush=True)
        return 1


def say(line: str) -> None:
    """Print a line; a terminal that has gone away does not keep us from stopping in order."""
    try:
        print(line, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process


class Up:
    """One run of `killreport up`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = Environment.of_this_process(directory)
        self.supervision = Supervision(directory, say)
        self.stop_asked = asyncio.Event()

    async def run(self) -> int:
        """Start, announce, wait, stop. Returns the exit status; raises what kept it from starting."""
        call_when_asked_to_stop(self._on_signal)
        starting = asyncio.create_task(self._start())
        stopped = asyncio.create_task(self.stop_asked.wait())
        death = asyncio.create_task(self.supervision.keep_running())
        try:
            await asyncio.wait({starting, stopped, death}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done() and not stopped.done() and starting.exception() is None:
                await asyncio.wait({stopped, death}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.wait({starting})
        finally:
            stopped.cancel()
            if not death.done():
                death.cancel()  # first: it might be starting a part again
                await asyncio.wait({death})
            await self._stop()
        if self.stop_asked.is_set():
            say("Stopped. The data stays in .killreport for the next start.")
            return 0
        if death.done() and not death.cancelled():
            raise PartFailed(self._obituary(death.result()))
        starting.result()  # raises what it failed with
        return 1

    async def _start(self) -> None:
        begun = time.monotonic()
        say(f"Starting KillReport; its data is in {self.directory}")
        left = await asyncio.to_thread(end_what_is_left, self.directory)
        if left:
            say(f"  ended {left} processes that were left over from a start that was killed")
        environment = self.environment
        environment.settings(**PENDING)  # a malformed variable stops us before anything runs
        site_port(environment)  # a PORT of the operator's own that is taken stops us here
        environment.choose("TOKEN_ENCRYPTION_KEYS", token_encryption_key(self.directory))
        await self._start_backing_services()
        for change in await migrate_everything(environment.settings()):
            say(f"  {change}")
        if not environment.is_given("EVE_CLIENT_ID"):
            await _bring_places_and_slots(environment.settings())
        port, moved = site_port(environment)  # as late as can be: nobody holds it for us
        environment.chosen["PORT"] = str(port)
        if moved:
            say(f"  {moved}")
        settings = environment.settings()
        await self._start_part(parts.api(self.directory, settings, environment.chosen), settings.site_url)
        for number in range(1, parts.how_many_workers(settings, os.cpu_count()) + 1):
            await self._start_part(parts.worker(self.directory, settings, environment.chosen, number), "")
        environment.publish()
        self._announce(time.monotonic() - begun)

    async def _start_backing_services(self) -> None:
        if not self._is_elsewhere("DATABASE_URL", "Postgres"):
            forget_stale_postmaster(self.directory)
            await start_on_free_ports(self._start_part, self._postgres, {"Postgres": 15432}, say)
        if not self._is_elsewhere("REDIS_URL", "Redis"):
            await start_on_free_ports(self._start_part, self._valkey, {"Valkey": 16379}, say)
        if not self._is_elsewhere("TEMPORAL_ADDRESS", "Temporal"):
            ports = {"Temporal": 7233, "Temporal's UI": 8233}
            await start_on_free_ports(self._start_part, self._temporal, ports, say)
        if not self._is_elsewhere("EVE_CLIENT_ID", "EVE"):
            for name, value in SANDBOX_DEFAULTS.items():
                self.environment.choose(name, value)
            await start_on_free_ports(self._start_part, self._eve, {"the sandbox EVE": 4100}, say)

    def _postgres(self, port: int) -> tuple[Part, str]:
        part, url = postgres(self.directory, port)
        self.environment.choose("DATABASE_URL", url)
        return part, place(url)

    def _valkey(self, port: int) -> tuple[Part, str]:
        part, url = valkey(self.directory, port)
        self.environment.choose("REDIS_URL", url)
        return part, place(url)

    def _temporal(self, port: int, ui_port: int) -> tuple[Part, str]:
        part, address = temporal(self.directory, port, ui_port)
        self.environment.choose("TEMPORAL_ADDRESS", address)
        self.environment.choose("TEMPORAL_UI_URL", f"http://127.0.0.1:{ui_port}")
        return part, address

    def _eve(self, port: int) -> tuple[Part, str]:
        part, url = parts.eve(self.directory, port, self.environment.chosen)
        self.environment.choose("EVE_CLIENT_ID", "killreport-sandbox")
        for name in ("ESI_BASE_URL", "EVE_SSO_URL", "ZKILLBOARD_URL", "ZKILLBOARD_STREAM_URL"):
            self.environment.choose(name, url)
        self.environment.choose("ARCHIVE_URL", f"{url}/archive")
        self.environment.choose("STATIC_DATA_URL", f"{url}/static-data")
        self.environment.choose("MARKET_HISTORY_URL", f"{url}/market-history")
        self.environment.choose("WEBHOOK_PRIVATE_TARGETS", "true")  # the receiver of the sandbox is on this machine
        self.environment.choose("EVE_IMAGES_URL", f"{url}/images")
        return part, url

    def _is_elsewhere(self, variable: str, name: str) -> bool:
        if self.environment.is_given(variable):
            say(f"  {name}: yours, from {variable}")
            return True
        return False

    async def _start_part(self, part: Part, where: str) -> None:
        try:
            await self.supervision.start(part)
        except PartFailed as error:
            raise PartFailed(f"{error} It said last:\n{last_words(part.log_file)}") from error
        say(f"  {part.name} {f'answers at {where}' if where else 'is running'}")

    def _announce(self, seconds: float) -> None:
        settings = self.environment.settings()
        say(f"\nKillReport is ready, after {seconds:.1f} s.\n")
        say(f"  Site         {settings.site_url}")
        say(f"  GraphQL      {settings.site_url}/graphql")
        if settings.temporal_ui_url:
            say(f"  Temporal UI  {settings.temporal_ui_url}")
        say(f"  Temporal CLI {_program('temporal')} --address {settings.temporal_address} workflow list")
        say(f"  Status       {_program('killreport')} status")
        say(f"  Logs         {STATE_DIRECTORY / 'logs'}\n")
        if not self.environment.is_given("EVE_CLIENT_ID"):
            say("EVE is a sandbox with its own pilots: no real account is needed, and killmails keep coming.")
            say("Set EVE_CLIENT_ID to use EVE itself.")
        if "SYNC_INTERVAL_SECONDS" in self.environment.chosen:
            say(f"Pilots are synced every {settings.sync_interval_seconds} s here; the real default is 15 minutes.")
        say("Ctrl-C stops everything.")

    def _on_signal(self) -> None:
        if self.stop_asked.is_set():
            say("Killing everything at once.")
            self.supervision.kill()
            self.environment.withdraw()
            os._exit(1)
        say("\nStopping (once more to kill everything at once).")
        self.stop_asked.set()

    async def _stop(self) -> None:
        self.environment.withdraw()
        await self.supervision.stop()

    def _obituary(self, part: RunningPart) -> str:
        return f"{part.obituary()} It said last:\n{last_words(part.part.log_file)}"


async def _bring_places_and_slots(settings: Settings) -> None:
    """Those of the sandbox, unless a static data export was loaded, which has the real ones."""
    async with database(settings) as pool:
        if not await pool.fetchval("SELECT EXISTS (SELECT FROM celestials)"):
            await load_celestials(pool, celestial_rows())
        if not await pool.fetchval("SELECT EXISTS (SELECT FROM hull_slots)"):
            await load_hull_slots(pool, map(slots_of, dogma()))


def _program(name: str) -> Path:
    """One of the programs beside our interpreter, as it can be typed from here."""
    path = Path(sys.executable).parent / name
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
