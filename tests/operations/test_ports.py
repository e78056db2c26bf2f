"""An embedded service whose port is taken moves, and says so."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sandbox.ports import start_on_free_ports
from sandbox.process import Part, PartFailed, RunningPart, free_port
from sandbox.valkey import valkey


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def started(directory: Path, usual: int, taken: list[int], stack: AsyncExitStack) -> tuple[str, list[str]]:
    """Start Valkey while somebody takes, each time, the port it has chosen, as long as there are `taken`."""
    places, said = [], list[str]()

    def make(port: int) -> tuple[Part, str]:
        if taken:
            taken.pop()
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        return valkey(directory, port)

    async def start(part: Part, where: str) -> None:
        running = await RunningPart.start(part)
        places.append(where)
        stack.push_async_callback(running.stop)

    await start_on_free_ports(start, make, {"Valkey": usual}, said.append)
    return places[0], said


async def test_the_usual_port_is_used_without_a_word(tmp_path: Path, stack: AsyncExitStack) -> None:
    usual = free_port()
    where, said = await started(tmp_path, usual, [], stack)
    assert f":{usual}/" in where
    assert said == []


async def test_a_port_taken_before_or_in_the_moment_before_it_is_used(tmp_path: Path, stack: AsyncExitStack) -> None:
    usual = free_port()
    where, said = await started(tmp_path, usual, [1], stack)
    assert f":{usual}/" not in where
    assert [line.partition(", so")[0].strip() for line in said] == [f"Port {usual} is taken"]


async def test_a_service_that_does_not_start_for_another_reason_is_not_tried_again(tmp_path: Path) -> None:
    tried = []

    def make(port: int) -> tuple[Part, str]:
        tried.append(port)

        async def answers() -> None:
            await asyncio.Event().wait()

        return Part("a service", ["false"], answers, tmp_path / "log"), ""

    async def start(part: Part, where: str) -> None:
        del where
        await RunningPart.start(part)

    with pytest.raises(PartFailed, match="ended with status 1"):
        await start_on_free_ports(start, make, {"a service": free_port()}, lambda _: None)
    assert len(tried) == 1


async def test_a_service_that_ends_is_quoted(tmp_path: Path) -> None:
    async def answers() -> None:
        await asyncio.Event().wait()

    told = ["sh", "-c", "echo Starting; echo Failed listening on port 1; exit 1"]
    with pytest.raises(PartFailed, match=r"a service ended with status 1 \(Failed listening on port 1\); its log is"):
        await RunningPart.start(Part("a service", told, answers, tmp_path / "log"))


def test_a_free_port_is_another_one_each_time() -> None:
    assert len({free_port() for _ in range(20)}) == 20
