"""What asks a command that runs in the foreground to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


def call_when_asked_to_stop(stop: Callable[[], object]) -> None:
    """Call it for Ctrl-C, for SIGTERM, and when the terminal goes, as often as they come."""
    heeded = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` has it ignored
        heeded.append(signal.SIGHUP)
    for one in heeded:
        asyncio.get_running_loop().add_signal_handler(one, stop)
