"""`look_for_static_data`: a newer build of CCP's static data, if there is one."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
from prometheus_client import Counter
from temporalio import activity

from contracts.static_data import StaticDataLook, StaticDataOutcome
from db.universe.exported import known_types, loaded_build, record_build, static_rows
from db.universe.static_data import TYPES, DuplicateStaticId, Row, StaticRows, load_static_data
from eve.errors import MalformedBody
from eve.static_builds import StaticBuilds
from eve.static_data import InvalidStaticData, StaticData

MOST_BUILDS = 30
"""Builds whose changes are asked for one by one; who is further behind takes the whole at once."""
LEAST_TYPES = 0.9
"""Of the types that are known, an export has at least this part: it hardly ever loses one."""
LOOKS = Counter("killreport_static_data_looks", "Looks for a newer build of the static data, by outcome.", ["outcome"])
logger = logging.getLogger(__name__)


class StaticDataFollower:
    """The step of `StaticDataFollow`. Idempotent: a build that is here is not loaded again."""

    def __init__(self, pool: asyncpg.Pool, builds: StaticBuilds) -> None:
        self._pool = pool
        self._builds = builds

    @activity.defn
    async def look_for_static_data(self) -> StaticDataLook:
        """Load the newest build, if it has anything new that we keep.

        Raises:
            EveError: it cannot be asked for now.
        """
        try:
            look = await self._look()
        except (InvalidStaticData, DuplicateStaticId, MalformedBody) as error:
            logger.warning("The static data stays as it is: %s", error)
            look = StaticDataLook(StaticDataOutcome.REFUSED, why=str(error))
        LOOKS.labels(str(look.outcome)).inc()
        return look

    async def _look(self) -> StaticDataLook:
        if not self._builds.is_on:
            return StaticDataLook(StaticDataOutcome.OFF)
        here, latest = await loaded_build(self._pool), await self._builds.latest()
        if here == latest:
            return StaticDataLook(StaticDataOutcome.UNCHANGED, latest)
        if here is not None and latest < here:
            raise MalformedBody(f"The newest build is said to be {latest:,}; here is {here:,}, a newer one.")
        if here is not None and not await self._touches_ours(here, latest):
            await record_build(self._pool, latest)
            return StaticDataLook(StaticDataOutcome.UNTOUCHED, latest)
        return await self._load(latest)

    async def _touches_ours(self, here: int, latest: int) -> bool:
        """Whether anything that we keep has changed since; also if nobody can tell."""
        build = latest
        for _ in range(MOST_BUILDS):
            changes = await self._builds.changes(build)
            if changes is None or changes.touches_ours or changes.before < here:
                return True
            if changes.before == here:
                return False
            build = changes.before
        return True

    async def _load(self, build: int) -> StaticDataLook:
        with tempfile.TemporaryDirectory(prefix="killreport-sde-") as directory:
            path = Path(directory) / f"eve-online-static-data-{build}-jsonl.zip"
            await self._builds.download(build, path)
            with await asyncio.to_thread(StaticData, path) as export:
                if export.build_number != build:
                    raise InvalidStaticData(f"{path.name} is of build {export.build_number}.")
                known = await known_types(self._pool)
                parts = (_enough(part, build, known) if part.kind is TYPES else part for part in static_rows(export))
                loaded = await load_static_data(self._pool, parts, build)
        return StaticDataLook(StaticDataOutcome.LOADED, build, sum(loaded.changed.values()) + loaded.names_changed)


def _enough(types: StaticRows, build: int, known: int) -> StaticRows:
    """The types, all the same; what is raised at their end undoes the load."""

    def counted() -> Iterator[Row]:
        count = 0
        for row in types.rows:
            yield row
            count += 1
        if count < known * LEAST_TYPES:
            raise InvalidStaticData(f"Build {build:,} has {count:,} types; {known:,} are known here.")

    return StaticRows(types.kind, counted())
