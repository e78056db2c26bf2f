"""Several parts started in order, watched, and stopped in the reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from observability import redact
from sandbox.claim import MARK, kill, left_running
from sandbox.process import Part, PartFailed, RunningPart

WATCH_SECONDS = 0.2
FIRST_DELAY_SECONDS = 0.5
LIVES, FORGIVEN_SECONDS = 3, 60.0
"""A part is started again so often within this time."""
LOG_TAIL_LINES = 15
LOG_BYTES_KEPT = 10_000_000


class Supervision:
    """The parts that run, in the order they were started."""

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self.directory = directory
        self.say = say
        self.running: list[RunningPart] = []

    async def start(self, part: Part) -> None:
        """Start a part and wait until it answers.

        Raises:
            PartFailed: it ended or does not answer.
        """
        _turn_over(part.log_file)
        marked = dataclasses.replace(part, environment={**part.environment, MARK: str(self.directory)})
        self.running.append(await RunningPart.start(marked))

    async def keep_running(self) -> RunningPart:
        """Start a part that ends by itself again, later each time; returns the first one that ends too often."""
        deaths: dict[str, list[float]] = {}
        while True:
            for position, part in enumerate(self.running):
                if part.process.poll() is not None:
                    now = time.monotonic()
                    recent = [one for one in deaths.get(part.part.name, []) if now - one < FORGIVEN_SECONDS]
                    deaths[part.part.name] = [*recent, now]
                    if len(recent) >= LIVES:
                        return part
                    await self._start_again(position, FIRST_DELAY_SECONDS * 2 ** len(recent))
            await asyncio.sleep(WATCH_SECONDS)

    async def _start_again(self, position: int, delay: float) -> None:
        ended = self.running[position]
        self.say(f"  {ended.obituary()} It is started again in {delay:.1f} s.")
        await asyncio.sleep(delay)
        _turn_over(ended.part.log_file)
        with contextlib.suppress(PartFailed):  # it has ended once more, and is found so
            self.running[position] = await RunningPart.start(ended.part)
            self.say(f"  {ended.part.name} answers again")

    async def stop(self) -> None:
        """Stop every part, the last one started first, and see that nothing of theirs is left."""
        while self.running:
            part = self.running[-1]
            if part.process.poll() is None:
                self.say(f"  stopping {part.part.name}")
            await part.stop()
            self.running.pop()
        self.kill()

    def kill(self) -> None:
        """SIGKILL everything at once."""
        for part in self.running:
            with contextlib.suppress(ProcessLookupError):
                part.process.kill()
        for process in left_running(self.directory):
            kill(process)


def last_words(log_file: Path) -> str:
    """The end of a part's log, indented, without secrets; for the one who asks why it died."""
    try:
        with log_file.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 20_000))
            lines = log.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    except OSError:
        return ""
    return "\n".join(f"    {redact(line)}" for line in lines)


def _turn_over(log_file: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log_file.stat().st_size > LOG_BYTES_KEPT:
            log_file.replace(log_file.with_suffix(".log.1"))
