"""What runs in the foreground ends with its terminal, unless it was started to outlive it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.paths import ROOT

ECHO = """
import asyncio, contextlib, sys
from pathlib import Path
from sandbox.chaos import campaign
from sandbox.up import Up

async def work(*_):
    while True:
        print(await asyncio.to_thread(sys.stdin.readline), end="", flush=True)
"""
UP = f"{ECHO}\nUp._start = work\nsys.exit(asyncio.run(Up(Path.cwd()).run()))"
CHAOS = (
    f"{ECHO}\nwith contextlib.suppress(asyncio.CancelledError):\n    asyncio.run(campaign._until_told_to_stop(work()))"
)


@contextmanager
def begun(program: str, directory: Path, before: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """The program, once it works; what it works at is to say what it reads. Asked to stop, it must."""
    with subprocess.Popen(
        [*before, sys.executable, "-c", program],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert answer(process, "begun") == "begun\n"
            yield process
            process.communicate(timeout=30)
            assert process.returncode == 0
        finally:
            process.kill()


def answer(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline()


@pytest.mark.parametrize("program", [UP, CHAOS], ids=["up", "chaos"])
def test_nohup_outlives_its_terminal(program: str, tmp_path: Path) -> None:
    with begun(program, tmp_path, ["nohup"]) as process:
        process.send_signal(signal.SIGHUP)
        for line in ("it was sent\n", "it was heard, if it is\n"):
            assert answer(process, line.strip()) == line
        process.terminate()


def test_a_terminal_that_goes_stops_it_in_order(tmp_path: Path) -> None:
    with begun(UP, tmp_path) as process:
        process.send_signal(signal.SIGHUP)
