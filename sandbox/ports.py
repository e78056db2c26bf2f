"""Ports for embedded services: the usual ones, or others when somebody has taken those."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sandbox.process import Part, PartFailed, free_port

TRIES = 3
"""A port may be taken in the moment between its choice and its use; three times in a row is no accident."""


async def start_on_free_ports(
    start: Callable[[Part, str], Awaitable[None]],
    make: Callable[..., tuple[Part, str]],
    wanted: dict[str, int],
    say: Callable[[str], None],
) -> None:
    """Make a part for these ports and start it; on others if one is taken, before or meanwhile.

    Args:
        start: gets the part, and where it is.
        make: gets the ports, in the order of `wanted`; called again with others if they are taken meanwhile.
        wanted: what each is for, and the port it usually has.
        say: told of each that is not the usual one.

    Raises:
        PartFailed: it did not start, and not for want of a port.
    """
    for tries_left in reversed(range(TRIES)):
        ports = [_port(name, usual, say) for name, usual in wanted.items()]
        part, where = await asyncio.to_thread(make, *ports)
        try:
            await start(part, where)
        except PartFailed:
            if not tries_left or all(free_port(preferred=port) == port for port in ports):
                raise
        else:
            return


def _port(name: str, usual: int, say: Callable[[str], None]) -> int:
    port = free_port(preferred=usual)
    if port != usual:
        say(f"  Port {usual} is taken, so {name} is on {port}.")
    return port
