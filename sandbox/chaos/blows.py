"""How each fault is done, and undone: after `strike` returns, all that was broken works again or is being started."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

from sandbox.chaos.disk import fill, relieve
from sandbox.chaos.installed import Installed, tell
from sandbox.chaos.links import Link
from sandbox.chaos.plan import ANSWERS_SECONDS, HANGS_SECONDS, MIDDLE, REFRESH, Kind, Planned
from sandbox.process import PartFailed

SLOW_SECONDS = 0.25
"""What a piece takes on a slow connection."""
IN_FLIGHT_SECONDS = 25.0
"""How long we wait for a refresh to be under way; then the fault comes without one."""
START_TRIES = 5


class Blows:
    """What can be done to an installation."""

    def __init__(self, on: Installed, session: aiohttp.ClientSession, note: Callable[[], Coroutine[Any, Any, None]]):
        """`note`: called before EVE dies, for it forgets what it was asked."""
        self._on = on
        self._session = session
        self._note = note

    async def strike(self, planned: Planned) -> None:
        """Do it, wait until it is over, undo it.

        Raises:
            PartFailed: what it stopped does not start again.
        """
        kind = planned.kind
        what, middle, hangs = kind.what.partition(MIDDLE)
        if not middle:
            await self._do(kind, what, planned.seconds)
            return
        async with self._refresh_in_flight(HANGS_SECONDS if hangs else ANSWERS_SECONDS, strict=kind.strict):
            if not hangs:
                await self._do(kind, what, planned.seconds)

    async def _do(self, kind: Kind, what: str, seconds: float) -> None:
        if kind.route:
            await self._eve(kind, seconds)
        elif kind.link:
            await self._link(self._on.links[kind.link], what, seconds)
        elif what == "full disk":
            await self._full_disk(seconds)
        else:
            await self._process(kind.target, what, seconds)

    async def _process(self, name: str, what: str, seconds: float) -> None:
        async with self._on.locks[name]:
            if name == "EVE":
                await self._note()
            if what == "SIGSTOP":
                tell(self._on.running[name].process.pid, signal.SIGSTOP)
                await asyncio.sleep(seconds)
                tell(self._on.running[name].process.pid, signal.SIGCONT)
                return
            links = self._on.links_of(name) if what == "power cut" else []
            for link in links:
                link.lose()
            self._on.kill(name)
            if what == "restart empty":
                self._on.empty(name)
            await asyncio.sleep(min(seconds, 6))
            for link in links:
                await link.open()
            await self._start(name)

    async def _start(self, name: str) -> None:
        for last in (*[False] * (START_TRIES - 1), True):
            try:
                await self._on.start_part(name)
                return
            except PartFailed:  # it needs another part that is down itself
                if last:
                    raise
                await asyncio.sleep(1)

    async def _link(self, link: Link, what: str, seconds: float) -> None:
        try:
            if what == "cut":
                await link.cut()
            elif what == "freeze":
                link.freeze()
            elif what == "slow":
                link.slow(SLOW_SECONDS)
            else:
                (link.reset if what == "reset" else link.half_open)()
                return
            await asyncio.sleep(seconds)
        finally:
            await link.open()

    async def _full_disk(self, seconds: float) -> None:
        """A Postgres that does not survive it is started again once there is room: by the watch."""
        try:
            fill(self._on.disk)
            await asyncio.sleep(seconds)
        finally:
            relieve(self._on.disk)

    async def _eve(self, kind: Kind, seconds: float) -> None:
        what = kind.what.removeprefix("EVE: ").split()[0]
        await self._tell_eve("POST", "faults", json={"kind": what, "route": kind.route, **json.loads(kind.setting)})
        await asyncio.sleep(seconds)
        await self._tell_eve("DELETE", "faults", params={"route": kind.route})

    @contextlib.asynccontextmanager
    async def _refresh_in_flight(self, seconds: float, *, strict: bool) -> Any:
        """SSO has rotated a refresh token, and its answer is on the way; where it is strict, it arrives."""
        fault = {"kind": "late", "route": REFRESH, "seconds": seconds, "count": 20}
        if strict:
            await self._tell_eve("POST", "rotation", json={"strict": True})
        made = await self._tell_eve("POST", "faults", json=fault)
        deadline = asyncio.get_running_loop().time() + IN_FLIGHT_SECONDS
        while made and asyncio.get_running_loop().time() < deadline:
            left = [one for one in await self._tell_eve("GET", "faults") or [] if one["fault_id"] == made["fault_id"]]
            if not left or left[0]["count"] < made["count"]:
                break
            await asyncio.sleep(0.1)
        try:
            yield
        finally:
            await self._tell_eve("DELETE", "faults", params={"route": REFRESH})
            if strict:
                await asyncio.sleep(seconds)  # the last of them has its answer, and its successor
                await self._tell_eve("POST", "rotation", json={"strict": False})

    async def _tell_eve(self, method: str, what: str, **said: Any) -> Any:
        """Its answer; None where it is down, frozen or has forgotten all faults anyway."""
        try:
            url, limit = f"{self._on.eve_url}/_sandbox/{what}", aiohttp.ClientTimeout(total=3)
            async with self._session.request(method, url, timeout=limit, **said) as response:
                return await response.json() if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None
