"""The part of `killreport doctor` that checks EVE's services over the network."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp

from eve.errors import EveError
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.responses import date_in
from eve.session import open_session
from eve.sso.access_token import KEY_TYPES
from operations.connections import reason, redis_client
from operations.doctor.finding import Finding, Verdict
from operations.failure import OperationFailed
from settings import Settings

LOOK_SECONDS = 15.0
TOLERATED_SKEW_SECONDS = 30.0
"""`Date` has whole seconds, and the answer takes its time; a token is valid for 20 minutes."""


async def look_at_sso(settings: Settings) -> list[Finding]:
    """Read the SSO's metadata and its keys, as a login does (RFC 8414), and compare clocks.

    Raises:
        OperationFailed: it does not answer as an authorization server.
    """
    try:
        async with asyncio.timeout(LOOK_SECONDS), open_session(settings) as session:
            url = f"{settings.eve_sso_url}/.well-known/oauth-authorization-server"
            metadata, at = await _json(session, url)
            keys, _ = await _json(session, str(metadata["jwks_uri"]))
            usable = [key for key in keys["keys"] if key.get("kty") in KEY_TYPES.values()]
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise OperationFailed(f"{settings.eve_sso_url} (EVE_SSO_URL) cannot be used: {reason(error)}.") from error
    if not usable:
        raise OperationFailed(
            f"{settings.eve_sso_url} (EVE_SSO_URL) publishes no {' or '.join(KEY_TYPES)} key to check tokens with."
        )
    findings = [Finding("EVE SSO", Verdict.GOOD, f"metadata and {len(usable)} keys at {settings.eve_sso_url}")]
    if at is not None:
        seconds = abs((datetime.now(UTC) - at).total_seconds())
        agrees = seconds <= TOLERATED_SKEW_SECONDS
        findings.append(
            Finding(
                "Clock against EVE",
                Verdict.GOOD if agrees else Verdict.FAILS,
                f"{seconds:.0f} s apart",
                "" if agrees else "Synchronise this machine's clock (NTP, chrony): it decides if a token is valid.",
            )
        )
    return findings


async def look_at_esi(settings: Settings) -> list[Finding]:
    """Ask ESI for its status with our User-Agent and compatibility date.

    Raises:
        OperationFailed: ESI, or the Redis that holds its budget, is away.
    """
    try:
        async with redis_client(settings) as redis, open_session(settings) as session:
            esi = Esi(session, Budget(redis, egress=settings.esi_egress), settings.esi_base_url, settings.eve_client_id)
            async with asyncio.timeout(LOOK_SECONDS):
                status = await esi.server_status()
    except (EveError, OSError, TimeoutError) as error:
        raise OperationFailed(f"{settings.esi_base_url} (ESI_BASE_URL) cannot be used: {reason(error)}.") from error
    detail = f"{settings.esi_base_url}: {status.players:,} pilots online, server version {status.server_version}"
    return [Finding("ESI", Verdict.GOOD, detail)]


async def _json(session: aiohttp.ClientSession, url: str) -> tuple[dict[str, Any], datetime | None]:
    async with session.get(url) as response:
        response.raise_for_status()
        answer = json.loads(await response.read())
        return answer, date_in(response.headers.get("Date", ""))
