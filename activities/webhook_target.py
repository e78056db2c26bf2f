"""The way to a webhook's target: only to the internet, and no further than its answer.

A name is resolved, and what it leads to is checked in the very moment of connecting: a name that leads elsewhere the
second time gets no further than one that does the first time.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
from aiohttp.connector import AddrInfoType

from contracts.webhooks import is_public_address
from settings import VERSION, Settings
from tracing import unseen

TOTAL_SECONDS = 10.0
"""Longest an answer may take; whoever has more to do answers first."""
LONGEST_WAIT = timedelta(hours=1)
"""Of a Retry-After, more is not waited for at a time."""
CONNECTIONS = 20


class PrivateAddress(OSError):
    """The target is on a private, loopback or link-local network."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target said. `status` None: nothing; `reason`: what went wrong, for the log; `retry_after`: as it asks.

    `is_gone`: it is a letter box that takes nothing the next time either.
    """

    status: int | None
    reason: str = ""
    retry_after: timedelta | None = None
    is_gone: bool = False

    @property
    def is_taken(self) -> bool:
        """It has the message."""
        return self.status is not None and 200 <= self.status < 300


class WebhookTargets:
    """One session for all targets: no cookies, no redirects, no proxy of the environment. An async context."""

    def __init__(self, settings: Settings) -> None:
        self.private = settings.webhook_private_targets
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": f"KillReport-Webhook/{VERSION} (+{settings.site_url})"},
            timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS),
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS,
                limit_per_host=4,
                force_close=True,  # what was checked is what is spoken to
                use_dns_cache=False,
                socket_factory=None if self.private else _public_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def __aenter__(self) -> WebhookTargets:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a message. Whatever goes wrong out there is an answer, too."""
        headers = {"Content-Type": "application/json", **headers}
        try:
            with unseen():  # an address of Discord's is its password
                posted = await self._session.post(url, data=body, headers=headers, allow_redirects=False)
            async with posted as answer:
                # Closed without a look at what it says: nothing of it is ours, and it may be endless.
                return Answer(answer.status, f"HTTP {answer.status}", _retry_after(answer.headers.get("Retry-After")))
        except PrivateAddress:
            return Answer(None, "its address is not on the internet")
        except TimeoutError:
            return Answer(None, f"no answer within {TOTAL_SECONDS:.0f} s")
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddress):
                return Answer(None, "its address is not on the internet")
            return Answer(None, "it could not be connected to")
        except (aiohttp.ClientError, OSError, ValueError):
            return Answer(None, "the connection broke")


def _public_socket(address: AddrInfoType) -> socket.socket:
    """A socket for an address that was resolved, or that stood in the URL.

    Raises:
        PrivateAddress: it is none of the internet's.
    """
    family, kind, protocol, _, where = address
    host = str(where[0]).partition("%")[0]
    if not is_public_address(ipaddress.ip_address(host)):
        raise PrivateAddress
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


def _retry_after(told: str | None) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3); Discord sends fractions of seconds."""
    if not told:
        return None
    try:
        wait = timedelta(seconds=float(told))
    except (ValueError, OverflowError):
        try:
            wait = parsedate_to_datetime(told).astimezone(UTC) - datetime.now(UTC)
        except (ValueError, OverflowError, TypeError):
            return None
    return min(max(wait, timedelta()), LONGEST_WAIT)
