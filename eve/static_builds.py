"""Where CCP publishes the static data export: which build is the newest, what changed in one, and its zip.

Source: EVE developer documentation, "Static data", "Automation" (October 2026). Below `static-data/tranquility` there
are `latest.jsonl`, whose record `sde` has the newest `buildNumber`, `changes/<build>.jsonl`, whose record `_meta` has
the `lastBuildNumber` before it, and `eve-online-static-data-<build>-jsonl.zip`, of 100 MB. As others saw in files of
2026, each other record of `changes` is named by a file without `.jsonl` and has the keys that were `added`, `changed`
or `removed`, or that `schemaChanged`. There is no file of one table: whoever wants what has changed takes the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from eve import celestials
from eve.answer import MAX_BODY_BYTES, Answer, exchange
from eve.errors import BadRequest, Forbidden, MalformedBody, NotAsked, Unavailable
from eve.hull_slots import TYPE_DOGMA
from eve.responses import status_failure
from eve.static_data import PARTS

MAX_LATEST_BYTES = 64 * 1024
"""It is a line of 80 bytes."""
LARGEST_EXPORT_BYTES = 1 << 30
"""Ten times the export of 2026: anything larger is something else."""
DOWNLOAD = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=60.0)
CHUNK_BYTES = 1 << 18
OURS = frozenset(part.file.removesuffix(".jsonl") for part in (*PARTS, *celestials.PARTS, TYPE_DOGMA))
"""Files of the export of which we keep something."""
_TITLE = "The static data's server"


@dataclass(frozen=True, slots=True)
class Changes:
    """What a build changed. `before`: the build before it. `touches_ours`: a file of which we keep something."""

    before: int
    touches_ours: bool


class StaticBuilds:
    """The client. `base_url` "": there is nobody to ask.

    Every call may raise `Unavailable`, `Forbidden`, `BadRequest` and `MalformedBody`.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url

    @property
    def is_on(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._base_url)

    async def latest(self) -> int:
        """The newest build."""
        answer = await self._ask("latest.jsonl", MAX_LATEST_BYTES)
        if answer.status != 200:
            raise _failure(answer.status)
        for record in _records(answer.body, "latest.jsonl"):
            if record.get("_key") == "sde":
                return _build(record.get("buildNumber"), "latest.jsonl")
        raise MalformedBody(f"{_TITLE} names no build in latest.jsonl.")

    async def changes(self, build: int) -> Changes | None:
        """What this build changed; None: that is not told (any more)."""
        name = f"changes/{build}.jsonl"
        answer = await self._ask(name)
        if answer.status in (403, 404):  # what is not there is forbidden
            return None
        if answer.status != 200:
            raise _failure(answer.status)
        before, touched = None, False
        for record in _records(answer.body, name):
            if record.get("_key") == "_meta":
                if _build(record.get("buildNumber"), name) != build:
                    raise MalformedBody(f"{_TITLE} tells of another build in {name}.")
                before = _build(record.get("lastBuildNumber"), name)
            elif record.get("_key") in OURS:
                touched |= any(value for key, value in record.items() if key != "_key")
        if before is None or before >= build:
            raise MalformedBody(f"{_TITLE} names no earlier build in {name}.")
        return Changes(before, touched)

    async def download(self, build: int, path: Path) -> None:
        """The export of this build, as a zip to this file."""
        address = f"{self._base_url}/eve-online-static-data-{build}-jsonl.zip"
        try:
            async with self._session.get(
                address, headers={"Accept": "*/*"}, allow_redirects=False, timeout=DOWNLOAD
            ) as answer:
                if answer.status != 200:
                    raise _failure(answer.status)
                done = 0
                with path.open("wb") as file:
                    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                        done += len(chunk)
                        if done > LARGEST_EXPORT_BYTES:
                            raise MalformedBody(f"{_TITLE} sends more than an export can have.")
                        file.write(chunk)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotAsked(f"{_TITLE} cannot be reached ({type(error).__name__}).") from None
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Unavailable(f"The connection to the static data's server failed ({type(error).__name__}).") from None

    async def _ask(self, name: str, max_bytes: int = MAX_BODY_BYTES) -> Answer:
        return await exchange(
            self._session,
            "GET",
            f"{self._base_url}/{name}",
            service=_TITLE,
            headers={"Accept": "*/*"},
            max_bytes=max_bytes,
        )


def _records(body: bytes, name: str) -> Iterator[dict[str, Any]]:
    for line in body.splitlines():
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise MalformedBody(f"{_TITLE} sends no JSON Lines in {name}.") from None
        if not isinstance(record, dict):
            raise MalformedBody(f"{_TITLE} sends no records in {name}.")
        yield record


def _build(number: object, name: str) -> int:
    if type(number) is not int or not 0 < number < 2**53:
        raise MalformedBody(f"{_TITLE} has no build number in {name}.")
    return number


def _failure(status: int) -> Unavailable | Forbidden | BadRequest:
    return status_failure(status, _TITLE, "STATIC_DATA_URL")
