"""What must survive a kill: one line of JSON per event, appended before the event is answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson


class Journal:
    """An append-only file, or nothing at all when no directory is given.

    A line is handed to the operating system in one write, so a killed process loses at most the last one.
    """

    def __init__(self, directory: Path | None) -> None:
        self._past: list[dict[str, Any]] = []
        self._file = None
        if directory is None:
            return
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "journal.ndjson"
        if path.exists():
            whole, _, torn = path.read_bytes().rpartition(b"\n")
            self._past = [orjson.loads(line) for line in whole.splitlines()]
            if torn:
                with path.open("r+b") as file:
                    file.truncate(len(whole) + 1 if whole else 0)
        self._file = path.open("ab", buffering=0)

    def past(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """The events of these kinds from before this start, oldest first."""
        return (event for event in self._past if event["kind"] in kinds)

    def write(self, kind: str, **event: Any) -> None:
        if self._file is not None:
            self._file.write(orjson.dumps({"kind": kind, **event}) + b"\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
