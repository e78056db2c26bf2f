"""One process that we start, watch and stop: a backing service, the sandbox EVE, the API, a worker."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

START_SECONDS = 60.0
"""How long a part may take until it answers; recovery of a killed Postgres is the slowest."""
STOP_SECONDS = 40.0
"""How long a part may take to stop before it is killed; a worker drains its activities for 30 s."""
UNASSIGNED_PORTS = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections (net.ipv4.ip_local_port_range, 32768 and above)."""
SHARES = 64
"""Of those ports. Two processes that look at the same time look in different ones, most of the time: both would find a
port free until one of them binds it."""
_LAST_WORDS = 2_000
"""Bytes at the end of a log that are looked at."""
_PR_SET_PDEATHSIG = 1


class PartFailed(Exception):
    """A part did not start, or died. The message names it and where its log is."""


@dataclass
class Part:
    """What to start and how to know that it answers.

    `answers` returns normally once the part serves; any `OSError`, `TimeoutError` or `PartNotReady` it
    raises means "not yet". `answers_as` is asked instead, with the id of the process, where another one could answer in
    its place.
    """

    name: str
    argv: Sequence[str]
    answers: Callable[[], Awaitable[None]]
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    answers_as: Callable[[int], Awaitable[None]] | None = None


class PartNotReady(Exception):
    """The part runs but does not serve yet."""


class RunningPart:
    """A started `Part`. Dies with us, even if we are killed (PR_SET_PDEATHSIG, Linux)."""

    def __init__(self, part: Part, process: subprocess.Popen[bytes]) -> None:
        self.part = part
        self.process = process

    @classmethod
    async def start(cls, part: Part) -> RunningPart:
        """Start and wait until it answers.

        Raises:
            PartFailed: it ended, or did not answer within `START_SECONDS`.
        """
        part.log_file.parent.mkdir(parents=True, exist_ok=True)
        with part.log_file.open("ab") as log:
            process = subprocess.Popen(  # noqa: ASYNC220 - forks in microseconds, and the child must be ours
                list(part.argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **part.environment},
                start_new_session=True,  # Ctrl-C reaches only us; we stop the parts in order
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        running = cls(part, process)
        try:
            await running._wait_until_it_answers()
        except BaseException:
            await running.stop()
            raise
        return running

    async def _wait_until_it_answers(self) -> None:
        part = self.part
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        reason: Exception | None = None
        while asyncio.get_running_loop().time() < deadline:
            if self.process.poll() is not None:
                raise PartFailed(self.obituary())
            try:
                await asyncio.wait_for(part.answers_as(self.process.pid) if part.answers_as else part.answers(), 5)
            except (OSError, TimeoutError, PartNotReady) as error:
                reason = error
                await asyncio.sleep(0.05)
            else:
                return
        raise PartFailed(
            f"{self.part.name} did not answer within {START_SECONDS:.0f} s ({reason}); its log is {self.part.log_file}."
        )

    def obituary(self) -> str:
        """One sentence on a part that has ended, with the last line of its log."""
        with self.part.log_file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_WORDS))
            lines = log.read().decode(errors="replace").strip().splitlines()
        said = f" ({lines[-1].strip()})" if lines else ""
        return f"{self.part.name} ended with status {self.process.returncode}{said}; its log is {self.part.log_file}."

    async def stop(self) -> None:
        """Ask it to stop, wait, and kill it if it will not."""
        if self.process.poll() is None:
            self.process.send_signal(self.part.stop_signal)
        try:
            await asyncio.wait_for(asyncio.to_thread(self.process.wait), STOP_SECONDS)
        except TimeoutError:
            self.kill()

    def kill(self) -> None:
        """SIGKILL it and all it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port(host: str = "127.0.0.1", preferred: int = 0) -> int:
    """`preferred` if nobody listens there, else a port that is free now, and not the one before.

    Not one the kernel would choose: those are given to every outgoing connection too, perhaps before it is bound.
    """
    for port in filter(None, (preferred, *itertools.islice(_ports_of(os.getpid()), 50))):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise PartFailed(f"No port is free on {host}.")


@cache
def _ports_of(process_id: int) -> Iterator[int]:
    """All ports of its share by turns, for ever."""
    share = UNASSIGNED_PORTS[process_id % SHARES :: SHARES]
    return itertools.cycle(random.sample(share, len(share)))


async def accepts_connections(host: str, port: int) -> None:
    """Raises `OSError` while nobody listens there."""
    _, writer = await asyncio.open_connection(host, port)
    writer.close()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
