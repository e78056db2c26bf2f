"""Errors of a process arrive at a service that speaks Sentry's protocol: whose work it was, and nothing secret."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from cryptography.fernet import Fernet

from tests.eve.servers import serving
from tests.operations.running_up import environment

PROGRAM = """
import logging
from observability import REQUEST_ID, configure_logging
from operations.error_reports import start_error_reports
from settings import load_settings

settings = load_settings()
configure_logging(settings)
start_error_reports(settings, "api")
log = logging.getLogger("api.somewhere")
log.warning("nobody needs to know")
REQUEST_ID.set("request-7")
try:
    of_the_pilot = "gAAAA" + "x" * 60
    raise RuntimeError(f"refresh_token=of-the-pilot, at https://esi.example/killmails/7/{'a' * 40}/")
except RuntimeError:
    log.exception("request %s failed", "request-7")
raise SystemExit("and the end")
"""


class Errors:
    """The service; what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.json_response({})

    @property
    def events(self) -> list[dict[str, Any]]:
        """An envelope is lines of JSON: its header, then each item's header and the item (Sentry, "Envelopes")."""
        lines = [orjson.loads(line) for body in self.bodies for line in body.splitlines() if line]
        return [line for line in lines if "exception" in line or "logentry" in line]


@pytest.fixture
async def errors() -> AsyncIterator[tuple[Errors, str]]:
    service = Errors()
    async with serving(service) as url:
        yield service, url.replace("http://", "http://a-key@") + "/1"


NOBODY = {
    "DATABASE_URL": "postgresql://killreport:password@127.0.0.1:1/killreport",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "TEMPORAL_ADDRESS": "127.0.0.1:1",
    "EVE_CLIENT_ID": "killreport-tests",
    "CONTACT": "tests@killreport.invalid",
    "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}
"""Enough to begin with."""


async def run(*argv: str, **variables: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *argv),
        env=environment(**NOBODY, **variables),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


async def test_an_error_is_told_once_with_its_request_and_without_secrets(errors: tuple[Errors, str]) -> None:
    service, dsn = errors
    status, said = await run("-c", PROGRAM, SENTRY_DSN=dsn)
    assert (status, said.splitlines()[-1]) == (1, "and the end")
    (event,) = service.events
    assert event["tags"] == {"process": "api", "request_id": "request-7"}
    assert event["release"].startswith("killreport@")
    (raised,) = event["exception"]["values"]
    assert raised["type"] == "RuntimeError"
    assert raised["value"] == "refresh_token=[redacted], at https://esi.example/killmails/7/[hash]/"
    told = b"".join(service.bodies)
    for secret in (b"of-the-pilot", b"a" * 40, b"gAAAA", b"nobody needs"):
        assert secret not in told


@pytest.mark.parametrize("command", ["api", "worker"])
async def test_an_address_that_is_none_stops_the_start_in_a_sentence(command: str) -> None:
    status, said = await run("-m", "cli", command, SENTRY_DSN="errors.example.org")
    assert status == 1
    assert said.splitlines()[-1].endswith(
        "SENTRY_DSN cannot be used: it is no address of a project, such as https://key@errors.example.org/1."
    )
