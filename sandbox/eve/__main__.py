"""`python -m sandbox.eve`: run until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
import sys

from sandbox.eve.options import options_from
from sandbox.eve.server import SandboxEve


async def _run() -> None:
    stop = asyncio.Event()
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop_signal, stop.set)
    async with SandboxEve(options_from()) as eve:
        sys.stdout.write(f"{eve.url}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    try:
        asyncio.run(_run())
    except (OSError, ValueError) as error:
        sys.exit(f"sandbox EVE: {error}")
