"""CCP's static data export in JSON Lines: a zip or a directory of `*.jsonl`, one entry a line, its id as `_key`.

Source: EVE developer documentation, "Static data". Read as a stream, a line at a time; only the files and
fields named here are looked at, so that new ones change nothing.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

from eve.errors import EveError

Row = tuple[Any, ...]
VERSION_FILE = "_sde.jsonl"
LONGEST_LINE = 8 * 1024 * 1024
"""Bytes; the longest of 2026 has a hundredth of it."""
MOST_UNPACKED = 8 * 1024**3
"""Bytes of the files that are read; those of 2026 have 0.2 GB."""


class InvalidStaticData(EveError):
    """This is not the export, or a line of it is not what was agreed on. Says which."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the export. `read` makes a row of an entry: id, English name, then what else we keep."""

    file: str
    read: Callable[[dict[str, Any]], Row]
    required: bool = True


def _type(entry: dict[str, Any]) -> Row:
    return entry_id(entry, "_key"), entry_name(entry), entry_id(entry, "groupID")


def _group(entry: dict[str, Any]) -> Row:
    return entry_id(entry, "_key"), entry_name(entry), entry_id(entry, "categoryID")


def _solar_system(entry: dict[str, Any]) -> Row:
    security: Any = entry.get("securityStatus")
    if type(security) not in (int, float) or not math.isfinite(security) or not -1 <= security <= 1:
        raise ValueError("securityStatus is not a number from -1 to 1")
    return (
        entry_id(entry, "_key"),
        entry_name(entry),
        float(security),
        entry_id(entry, "constellationID"),
        _wormhole_class(entry),
    )


def _constellation(entry: dict[str, Any]) -> Row:
    return entry_id(entry, "_key"), entry_name(entry), entry_id(entry, "regionID"), _wormhole_class(entry)


def _region(entry: dict[str, Any]) -> Row:
    return entry_id(entry, "_key"), entry_name(entry), _wormhole_class(entry)


def _named(entry: dict[str, Any]) -> Row:
    return entry_id(entry, "_key"), entry_name(entry)


def _corporation(entry: dict[str, Any]) -> Row:
    ticker = entry.get("tickerName")
    return entry_id(entry, "_key"), entry_name(entry), ticker if isinstance(ticker, str) else None


TYPES = Part("types.jsonl", _type)
GROUPS = Part("groups.jsonl", _group)
CATEGORIES = Part("categories.jsonl", _named)
SOLAR_SYSTEMS = Part("mapSolarSystems.jsonl", _solar_system)
CONSTELLATIONS = Part("mapConstellations.jsonl", _constellation)
REGIONS = Part("mapRegions.jsonl", _region)
FACTIONS = Part("factions.jsonl", _named, required=False)
NPC_CORPORATIONS = Part("npcCorporations.jsonl", _corporation, required=False)
PARTS = (TYPES, GROUPS, CATEGORIES, SOLAR_SYSTEMS, CONSTELLATIONS, REGIONS, FACTIONS, NPC_CORPORATIONS)


@dataclass(frozen=True, slots=True)
class _File:
    size: int  # unpacked
    open: Callable[[], AbstractContextManager[IO[bytes]]]


class StaticData(AbstractContextManager["StaticData"]):
    """An export on this machine, open for reading.

    Raises:
        InvalidStaticData: it is neither a zip nor a directory, or a required file is missing.
    """

    def __init__(self, path: Path) -> None:
        self._zip: zipfile.ZipFile | None = None
        self._files: dict[str, _File] = {}
        if path.is_dir():
            for file in sorted(path.rglob("*.jsonl")):
                self._files[file.name] = _File(file.stat().st_size, _reader(file))
        else:
            try:
                self._zip = zipfile.ZipFile(path)
            except (OSError, zipfile.BadZipFile) as error:
                raise InvalidStaticData(f"{path} is neither a directory nor a zip that can be read.") from error
            for info in self._zip.infolist():
                self._files[PurePosixPath(info.filename).name] = _File(info.file_size, partial(self._zip.open, info))
        missing = [part.file for part in PARTS if part.required and part.file not in self._files]
        if missing:
            self.close()
            raise InvalidStaticData(
                f"{path} has no {missing[0]}; is it the JSON Lines variant of the static data export?"
            )
        if sum(file.size for file in self._files.values()) > MOST_UNPACKED:
            self.close()
            raise InvalidStaticData(f"{path} holds more than an export can have.")

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the zip."""
        if self._zip is not None:
            self._zip.close()

    def size_of(self, parts: Iterable[Part]) -> int:
        """Bytes of these files, unpacked."""
        return sum(self._files[part.file].size for part in parts if part.file in self._files)

    @property
    def build_number(self) -> int | None:
        """The game's build that this is the data of, if the export says."""
        for entry in self._entries(VERSION_FILE, lambda _: None):
            number = entry.get("buildNumber")
            return number if type(number) is int else None
        return None

    def rows(self, part: Part, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
        """The rows of one file, none if an optional one is missing. `on_bytes` is told the length of each line.

        Raises:
            InvalidStaticData: a line is not JSON, or a field is missing or of the wrong kind.
        """
        for number, entry in enumerate(self._entries(part.file, on_bytes), start=1):
            try:
                yield part.read(entry)
            except ValueError as error:
                raise InvalidStaticData(f"{part.file}, entry {number}: {error}.") from None

    def _entries(self, file: str, on_bytes: Callable[[int], None]) -> Iterator[dict[str, Any]]:
        if file not in self._files:
            return
        with self._files[file].open() as lines:
            try:
                for number, line in enumerate(iter(partial(lines.readline, LONGEST_LINE + 1), b""), start=1):
                    if len(line) > LONGEST_LINE:
                        raise InvalidStaticData(f"{file}, line {number}: longer than an entry can be.")
                    on_bytes(len(line))
                    if not line.strip():
                        continue
                    entry = orjson.loads(line)
                    if not isinstance(entry, dict):
                        raise InvalidStaticData(f"{file}, line {number}: not an object.")
                    yield entry
            except orjson.JSONDecodeError:
                raise InvalidStaticData(f"{file}, line {number}: not JSON.") from None
            except (OSError, EOFError, zipfile.BadZipFile) as error:
                raise InvalidStaticData(f"{file} cannot be read to its end: the export is damaged.") from error


def _reader(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def entry_id(entry: dict[str, Any], field: str) -> int:
    """An id of EVE's.

    Raises:
        ValueError: it is none.
    """
    value = entry.get(field)
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"{field} is not an id")
    return value


def entry_name(entry: dict[str, Any], field: str = "name") -> str | None:
    """The English name; some entries have none.

    Raises:
        ValueError: it is not a text.
    """
    value = entry.get(field)
    if isinstance(value, dict):
        value = value.get("en")
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{field} is not a text")
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if value else None


def _wormhole_class(entry: dict[str, Any]) -> int | None:
    value = entry.get("wormholeClassID")
    if value is not None and (type(value) is not int or not 0 <= value < 2**31):
        raise ValueError("wormholeClassID is not a number")
    return value
