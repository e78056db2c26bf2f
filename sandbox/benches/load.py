"""A load generator in a process of its own: so many connections, each one request after another, for some seconds.

As lean as asyncio allows, because it shares the machine with what it measures: requests are bytes made beforehand, and
of an answer only its status and length are read.

    python -m sandbox.benches.load   (a `Spec` as JSON on standard input, `Load` as JSON on standard output)
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any

import orjson
import uvloop


@dataclass(frozen=True, slots=True)
class Ask:
    """One POST of JSON, or, without a body, one GET."""

    path: str
    body: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Spec:
    """Whom to ask what, how often at a time, and how long (seconds). The connections go to the ports in turn."""

    host: str
    ports: list[int]
    asks: list[Ask]
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it. Times in milliseconds; `bytes` of all bodies."""

    answers: int
    refused: int
    seconds: float
    p50: float
    p95: float
    bytes: int

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds


async def load(spec: Spec) -> Load:
    """Generate it from a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.benches.load"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(orjson.dumps(spec))
    if process.returncode != 0:
        raise ChildProcessError(f"the load generator ended with status {process.returncode}")
    return Load(**orjson.loads(output))


class _Client(asyncio.Protocol):
    """One connection; asks until time is up."""

    def __init__(self, requests: Any, until: float, done: asyncio.Future[None]) -> None:
        self.times: list[float] = []
        self.refused = self.bytes = 0
        self._requests, self._until, self._done = requests, until, done
        self._buffer = bytearray()
        self._asked_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")  # noqa: S101 - uvloop's own
        self._transport = transport  # type: ignore[assignment]
        self._ask()

    def _ask(self) -> None:
        assert self._transport is not None  # noqa: S101 - it is made before anything is asked
        self._asked_at = time.perf_counter()
        if self._asked_at >= self._until:
            self._transport.close()
        else:
            self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        head = buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        headers = bytes(buffer[:head]).lower()
        at = headers.find(b"content-length:")
        if at < 0:
            if not buffer.endswith(b"\r\n0\r\n\r\n"):
                return
            length = len(buffer) - head - 4
        else:
            end = headers.find(b"\r\n", at)
            length = int(headers[at + 15 : end if end >= 0 else None])
            if len(buffer) < head + 4 + length:
                return
        self.times.append(time.perf_counter() - self._asked_at)
        self.bytes += length
        self.refused += b" 200 " not in headers[:20]
        buffer.clear()
        self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)


async def _generate(spec: dict[str, Any]) -> Load:
    loop = asyncio.get_running_loop()
    requests = cycle([_bytes(ask, spec["host"]) for ask in spec["asks"]])
    started = time.perf_counter()
    clients, ends = [], []
    for number in range(spec["connections"]):
        done: asyncio.Future[None] = loop.create_future()
        client = _Client(requests, started + spec["seconds"], done)
        port = spec["ports"][number % len(spec["ports"])]
        await loop.create_connection(lambda client=client: client, spec["host"], port)  # type: ignore[misc]
        clients.append(client)
        ends.append(done)
    async with asyncio.timeout(spec["seconds"] + 60):
        await asyncio.gather(*ends)
    times = sorted(one for client in clients for one in client.times)
    return Load(
        answers=len(times),
        refused=sum(client.refused for client in clients),
        seconds=time.perf_counter() - started,
        p50=_quantile(times, 0.5),
        p95=_quantile(times, 0.95),
        bytes=sum(client.bytes for client in clients),
    )


def _bytes(ask: dict[str, Any], host: str) -> bytes:
    body: bytes = ask["body"].encode()
    headers = {"Host": host, "Content-Type": "application/json", "Content-Length": str(len(body)), **ask["headers"]}
    method = "POST" if body else "GET"
    lines = [f"{method} {ask['path']} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _quantile(times: Sequence[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] * 1000 if times else float("nan")


if __name__ == "__main__":
    measured = uvloop.run(_generate(orjson.loads(sys.stdin.buffer.read())))
    sys.stdout.buffer.write(orjson.dumps(asdict(measured)))
