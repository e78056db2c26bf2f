"""Where the processor time of a killmail goes on its way in, part by part.

Postgres' share is what the kernel has charged to the process behind a connection from one statement to the next, so
nothing is estimated and other programs do not blur it. Python's is that of its threads.
"""

from __future__ import annotations

import io
import tarfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from db.address import database_address
from db.connection import connect
from db.pool import SESSION
from sandbox.benches.processor_time import processor_seconds

PARTS: Mapping[str, str] = {
    "INSERT INTO killmail_bodies": "store",
    "SET\n    destroyed_value": "appraise",
    "INSERT INTO unfolded_sums": "sums",
    "INTO killmail_sums": "fold",
    "unfolded_sums": "fold",
    "summed_subjects": "fold",
    "killmail_arrivals": "arrive",
    "killmail arrivals": "arrive",
    "killmail_refs": "references",
}
"""By the first of these that is in a statement; whatever has none of them only looks something up."""
LOOKED_UP = "look up"
_ENDS = ("BEGIN", "COMMIT", "SET LOCAL")
"""These belong to what the connection did before, or does next."""


class Meter:
    """Charges what Postgres does on the connections of its pools to parts. `spent`: seconds of processor by part."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    async def open_pool(self, url: str, patience: float) -> asyncpg.Pool:
        """A pool as `db.pool` opens one, without its limits; `patience` (s) is how long a statement may take."""
        address = database_address(url)
        session = {**SESSION, "statement_timeout": f"{patience:.0f}s"}

        async def open_connection(*_: Any, **options: Any) -> asyncpg.Connection:
            connection = await connect(address, is_pooled=False, session=session, **options)
            self._charge(connection)
            return connection

        async def nothing(_: asyncpg.Connection) -> None:
            """Resetting it would be a statement more."""

        return await asyncpg.create_pool(
            min_size=1, max_size=10, connect=open_connection, reset=nothing, command_timeout=patience
        )

    def _charge(self, connection: asyncpg.Connection) -> None:
        process, part = connection.get_server_pid(), LOOKED_UP
        charged = _on_processor(process)

        def charge(statement: Any) -> None:
            nonlocal part, charged
            if not statement.query.startswith(_ENDS):
                part = next((name for sign, name in PARTS.items() if sign in statement.query), LOOKED_UP)
            now = _on_processor(process)
            self.spent[part] += now - charged
            charged = now

        connection.add_query_logger(charge)


class Profile:
    """What one way in took, in seconds of processor; filled when `profiled` ends.

    `server`: Postgres, all its processes. `loop`: the thread that stores. `reader`: the thread that unpacks and checks.
    """

    server = loop = reader = 0.0

    def __init__(self) -> None:
        self.parts: Mapping[str, float] = {}

    @property
    def total(self) -> float:
        return self.server + self.loop + self.reader

    def told(self, killmails: int, unpacking: float) -> str:
        """Milliseconds for each killmail, the largest first. `unpacking`: s of the reader that are not for checking."""
        beside = self.server - sum(self.parts.values())
        parts = {
            "unpack": min(unpacking, self.reader),
            "check": max(0.0, self.reader - unpacking),
            **self.parts,
            "publish and all of Python in between": self.loop,
            "Postgres' own processes": max(0.0, beside),
        }
        ordered = sorted(parts.items(), key=lambda part: -part[1])
        return ", ".join(f"{name} {1000 * seconds / killmails:.3f}" for name, seconds in ordered)


@contextmanager
def profiled(meter: Meter, server: int) -> Iterator[Profile]:
    """For what is done inside; `server` is Postgres' first process."""
    profile, before = Profile(), processor_seconds([server])
    meter.spent.clear()
    loop, process = time.thread_time(), time.process_time()
    yield profile
    profile.loop = time.thread_time() - loop
    profile.reader = time.process_time() - process - profile.loop
    profile.parts = dict(meter.spent)
    profile.server = processor_seconds([server]) - before


def unpacking_alone(packed: bytes) -> float:
    """Seconds of processor to get every member out, and to look at none."""
    before = time.process_time()
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r|bz2") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                file.read()
    return time.process_time() - before


def _on_processor(process: int) -> float:
    """Seconds (Documentation/scheduler/sched-stats.rst: the first figure, in ns)."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
