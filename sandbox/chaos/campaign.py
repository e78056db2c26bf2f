"""A whole campaign: start, log everybody in, wave after wave of faults, settle, hold against the truth, stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import temporalio.client

from operations.failure import OperationFailed
from sandbox.chaos.blows import Blows
from sandbox.chaos.disk import own_namespace
from sandbox.chaos.installed import Installed
from sandbox.chaos.pilots import GONE, Person, Subscriber, log_in
from sandbox.chaos.plan import KINDS, Kind, Planned, planned
from sandbox.chaos.report import Campaign, Outcome
from sandbox.chaos.truth import Truth
from sandbox.eve.world import VETERAN
from sandbox.installation import eventually
from sandbox.process import PartFailed
from sandbox.stopping import call_when_asked_to_stop

FIRST_SYNC_SECONDS = 400.0
RECOVERY_SECONDS = 240.0
"""After which a fault was not survived."""
SETTLE_SECONDS = 900.0
"""What a dead process had stored and told nobody of is found by the watchdog, five to ten minutes later."""
REFUSALS_EVERY_SECONDS = 1.0
CHECKED = ("stored", "named", "synced", "held", "workflows", "told", "budget")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Order:
    """What is wanted. `minutes`: no new wave begins after them."""

    seed: int = 1
    faults: int = 300
    minutes: float = 60.0
    pilots: int = 50
    corporations: int = 3
    killmails_per_hour: float = 1_800
    interval: int = 20
    """Seconds from one look at a pilot to the next."""
    kinds: Sequence[Kind] = KINDS
    longest: float = 30.0
    """Seconds a fault may last."""
    logs: Path | None = None
    """Where to keep what the programs said."""


def run(order: Order, say: Say) -> Campaign:
    """Do it in this process, which must have one thread and is of no other use afterwards.

    Raises:
        OperationFailed: it was told to stop, or a part does not start.
    """
    note = own_namespace()
    campaign = Campaign(order.seed, order.pilots, order.corporations, order.interval)
    kinds = order.kinds
    if note:
        say(note)
        campaign.notes.append(note)
        kinds = [kind for kind in kinds if kind.what != "full disk"]
    with tempfile.TemporaryDirectory(prefix="killreport-chaos-", ignore_cleanup_errors=True) as directory:
        try:
            asyncio.run(_until_told_to_stop(_Trial(order, kinds, campaign, Path(directory), not note, say).run()))
        except (asyncio.CancelledError, PartFailed) as error:
            raise OperationFailed(str(error) or "Stopped; all that ran was stopped, too.") from error
    return campaign


async def _until_told_to_stop(work: Any) -> None:
    task = asyncio.ensure_future(work)
    call_when_asked_to_stop(task.cancel)
    await task


@dataclass
class _Trial:
    order: Order
    kinds: Sequence[Kind]
    campaign: Campaign
    directory: Path
    small_disk: bool
    say: Say
    people: list[Person] = field(default_factory=list)
    subscribers: list[Subscriber] = field(default_factory=list)
    refusals: dict[tuple[float, str], dict[str, Any]] = field(default_factory=dict)

    async def run(self) -> None:
        order = self.order
        self.dice = random.Random(f"{order.seed} probes")
        self.on = Installed(
            self.directory, order.seed, order.pilots, order.killmails_per_hour, order.interval, self.small_disk
        )
        async with AsyncExitStack() as stack:
            stack.callback(self._keep_logs)
            stack.push_async_callback(self.on.stop)
            await self.on.start()
            self.session = await stack.enter_async_context(aiohttp.ClientSession())
            await self._begin(stack)
            blows = Blows(self.on, self.session, self._note_refusals)
            for number, wave in enumerate(planned(order.seed, order.faults, self.kinds, order.longest), 1):
                if (time.time() - self.campaign.began.timestamp()) / 60 > order.minutes:
                    self.campaign.notes.append(f"ended after {order.minutes:.0f} minutes, before all was done")
                    break
                await self._wave(number, wave, blows)
            await self._settle()

    def _keep_logs(self) -> None:
        if self.order.logs:
            shutil.copytree(self.directory / "logs", self.order.logs, dirs_exist_ok=True)

    async def _begin(self, stack: AsyncExitStack) -> None:
        """Everybody is logged in and synced once; some of them follow live."""
        order, begun = self.order, time.monotonic()
        pilots = await self._eve("GET", "/pilots")
        del pilots[VETERAN]  # a thousand killmails that happened long ago are no trial
        del pilots[order.pilots :]
        self.people = await log_in(stack, self.on.site, pilots, order.corporations)
        self.say(f"{len(self.people)} pilots logged in after {time.monotonic() - begun:.0f} s")

        async def all_are_synced() -> bool:
            async with self._database() as database:
                missing = await database.fetchval(
                    "SELECT (SELECT count(*) FROM users WHERE first_synced_at IS NULL)"
                    " + (SELECT count(*) FROM corporations_followed WHERE first_synced_at IS NULL)"
                )
            return not missing

        await eventually(all_are_synced, "the first syncs", FIRST_SYNC_SECONDS)
        async with self._database() as database:
            for person in self.people[:: max(1, len(self.people) // 8)]:
                self.subscribers.append(await Subscriber.of(person, database))
        tasks = [asyncio.create_task(one.follow()) for one in self.subscribers]
        tasks.append(asyncio.create_task(self._watch_refusals()))
        stack.push_async_callback(_end, tasks)
        self.say(f"all synced, {len(self.subscribers)} follow live, after {time.monotonic() - begun:.0f} s")

    async def _wave(self, number: int, wave: Sequence[Planned], blows: Blows) -> None:
        async def one(fault: Planned) -> None:
            await asyncio.sleep(fault.after_seconds)
            await blows.strike(fault)

        begun = time.monotonic()
        await asyncio.gather(*(one(fault) for fault in wave))
        await eventually(self._is_calm, "EVE to be without faults", RECOVERY_SECONDS)
        over = time.monotonic()
        found = await asyncio.gather(*(self._recovers(person) for person in self.dice.sample(self.people, len(wave))))
        allowed = self.campaign.allowed((fault.kind for fault in wave), over)
        for fault, seconds in zip(wave, found, strict=True):
            self.campaign.outcomes.append(Outcome(fault.kind, seconds, allowed))
        names = "; ".join(fault.kind.name for fault in wave)
        times = ", ".join("never" if seconds is None else f"{seconds:.1f}" for seconds in found)
        now = time.strftime("%H:%M:%S", time.gmtime())
        self.say(f"{now} wave {number} ({over - begun:.0f} s): {names} -> recovered after {times} s")

    async def _is_calm(self) -> bool:
        for link in self.on.links.values():
            await link.open()
        return await self._eve("DELETE", "/faults") is not None

    async def _recovers(self, person: Person) -> float | None:
        """Seconds until the site shows them a killmail of now."""
        begun = time.monotonic()

        async def made() -> Any:
            return await self._eve("POST", "/killmails", {"character_id": person.character_id})

        killmail = (await eventually(made, "a killmail of EVE", RECOVERY_SECONDS))[0]
        seen = await person.sees_within(killmail["killmail_id"], RECOVERY_SECONDS)
        return time.monotonic() - begun if seen else None

    async def _settle(self) -> None:
        """No more fights; then all must be true, at some moment soon."""
        await eventually(lambda: self._eve("POST", "/peace"), "EVE to make peace", RECOVERY_SECONDS)
        begun, found, shown = time.monotonic(), ["nothing was looked at"], list[str]()
        while found and time.monotonic() < begun + SETTLE_SECONDS:
            await asyncio.sleep(2)
            found = await self._findings()
            if found != shown:
                self.say(f"settling, {time.monotonic() - begun:.0f} s: {'; '.join(found) or 'all is true'}")
                shown = found
        budget = [one for one in self.refusals.values() if not one["fault"]]
        if budget:
            routes = ", ".join(sorted({f"{one['status']} {one['route']}" for one in budget}))
            found = [*found, f"EVE refused {len(budget)} requests because a budget was overdrawn: {routes}"]
        self.campaign.broken = found
        self.campaign.settled_seconds = time.monotonic() - begun
        self.campaign.deaths, self.campaign.checked = self.on.deaths, CHECKED

    async def _findings(self) -> list[str]:
        part = self.on.parts["EVE"]
        state = Path(part.environment["SANDBOX_STATE_DIRECTORY"])
        async with self._database() as database:
            rows = await database.fetch("SELECT character_id, refresh_token FROM users")
        tokens = {row["character_id"]: row["refresh_token"] for row in rows}
        truth = await asyncio.to_thread(Truth.of, state, part.environment, self.people, self.order.corporations)
        self.campaign.killmails = len(truth.listed)
        environment = self.on.environment
        client = await temporalio.client.Client.connect(environment["TEMPORAL_ADDRESS"])
        async with self._database() as database:
            return [
                *await truth.stored(database),
                *await truth.named(database),
                *await truth.synced(database, self.order.interval),
                *truth.held(tokens, environment["TOKEN_ENCRYPTION_KEYS"]),
                *await truth.workflows(client),
                *await truth.told(database, self.subscribers),
            ]

    @contextlib.asynccontextmanager
    async def _database(self) -> Any:
        database = await asyncpg.connect(self.on.environment["DATABASE_URL"])
        try:
            yield database
        finally:
            await database.close()

    async def _watch_refusals(self) -> None:
        while True:
            await self._note_refusals()
            await asyncio.sleep(REFUSALS_EVERY_SECONDS)

    async def _note_refusals(self) -> None:
        for one in await self._eve("GET", "/requests?status=420&status=429") or ():
            self.refusals[one["at"], one["path"]] = one

    async def _eve(self, method: str, path: str, said: object = None) -> Any:
        """What the sandbox's controls answer; None where it does not."""
        url, limit = f"{self.on.eve_url}/_sandbox{path}", aiohttp.ClientTimeout(total=10)
        try:
            async with self.session.request(method, url, json=said, timeout=limit) as response:
                return True if response.status == 204 else await response.json()
        except GONE:
            return None


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
