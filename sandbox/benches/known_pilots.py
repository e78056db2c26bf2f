"""Pilots who logged in long ago: EVE knows their grants, Postgres what it would hold, and their workflows run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from temporalio.client import Client
from temporalio.common import SearchAttributePair

from contracts.call_classes import PRIORITY_OF, CallClass, character_priority
from contracts.search_attributes import CHARACTER_ID, SYNC_STATE
from contracts.sync import SyncState, UserSyncState, user_sync_id
from db.accounts.vault import TokenVault
from sandbox.benches.installed import Measuring
from sandbox.eve.esi_killmails import KILLMAIL_SCOPE
from sandbox.eve.grants import challenge_of
from temporal.handles import start_or_join

AT_ONCE = 50
VERIFIER = "sandbox" * 8
CALLBACK = "http://127.0.0.1/callback"
KNOWN = """
WITH account AS (INSERT INTO accounts DEFAULT VALUES RETURNING account_id)
INSERT INTO users (character_id, account_id, name, owner_hash, corporation_id, alliance_id, scopes, access_token,
                   refresh_token, expires_at, token_state, sync_state, sync_detail, first_synced_at)
SELECT $1, account_id, $2, $3, $4, $5, $6, $7, $8, $9, 'valid', 'ok', jsonb_build_object('until', $10::text), now()
  FROM account
"""


async def let_live(
    on: Measuring,
    client: Client,
    count: int,
    interval_seconds: int,
    begins: datetime,
    over_seconds: float | None = None,
    once_known: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """So many of them; the next looks of one half are spread over the interval that begins then.

    Those of the others are an interval later, so that each interval has as many renewals as the next.
    The first look of each renews the access token.

    Args:
        over_seconds: their first looks are spread over so long instead of an interval.
        once_known: done when all have logged in, before the first of their workflows is started.
    """
    over = interval_seconds if over_seconds is None else over_seconds
    turns = asyncio.Semaphore(AT_ONCE)

    async def logged_in(number: int, pilot: dict[str, Any]) -> UserSyncState:
        due = begins + timedelta(seconds=over * number / count + interval_seconds * (number % 2))
        ended = await log_in(pilot, due)
        return UserSyncState(
            pilot["character_id"],
            interval_seconds,
            first_sync_done=True,
            state=SyncState.OK,
            recorded_state=SyncState.OK,
            next_sync_at=due,
            token_valid_until=ended,
            corporation_id=pilot["corporation_id"],
        )

    async def start(state: UserSyncState) -> None:
        async with turns:
            await _start(client, state)

    log_in = _logging_in(on)
    pilots = await _pilots(on, count)
    states = await asyncio.gather(*(logged_in(number, pilot) for number, pilot in enumerate(pilots)))
    if once_known is not None:
        await once_known()
    await asyncio.gather(*map(start, states))


async def log_in_long_ago(on: Measuring, count: int) -> list[int]:
    """So many of whom EVE and Postgres know, and Temporal does not; their character ids."""
    log_in, now, pilots = _logging_in(on), datetime.now(UTC), await _pilots(on, count)
    await asyncio.gather(*(log_in(pilot, now) for pilot in pilots))
    return [pilot["character_id"] for pilot in pilots]


async def _pilots(on: Measuring, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await on.json("/_sandbox/pilots"))[:count]
    return found


def _logging_in(on: Measuring) -> Callable[[dict[str, Any], datetime], Awaitable[datetime]]:
    """Has a pilot known whose next look is due then; tells since when the access token is no good."""
    vault = TokenVault([on.installation.environment["TOKEN_ENCRYPTION_KEYS"]])
    turns, one_statement = asyncio.Semaphore(AT_ONCE), asyncio.Lock()

    async def log_in(pilot: dict[str, Any], due: datetime) -> datetime:
        async with turns:
            tokens = await _tokens(on, pilot["character_id"])
        ended = datetime.now(UTC)
        encrypted = (vault.encrypt(tokens[name]) for name in ("access_token", "refresh_token"))
        who = (pilot[name] for name in ("character_id", "name", "owner_hash", "corporation_id", "alliance_id"))
        async with one_statement:
            await on.database.execute(KNOWN, *who, [KILLMAIL_SCOPE], *encrypted, ended, due.isoformat())
        return ended

    return log_in


async def make_news(on: Measuring, per_second: float) -> None:
    """A killmail of one pilot or another so often, until this is cancelled."""
    characters = [pilot["character_id"] for pilot in await on.json("/_sandbox/pilots")]
    dice = random.Random("news")
    while True:
        await asyncio.sleep(1 / per_second)
        await on.tell("/_sandbox/killmails", character_id=dice.choice(characters), count=1)


async def _tokens(on: Measuring, character_id: int) -> dict[str, Any]:
    """What SSO gives the application for a consent, as a login has it."""
    asked = {
        "response_type": "code",
        "client_id": on.installation.environment["EVE_CLIENT_ID"],
        "redirect_uri": CALLBACK,
        "scope": KILLMAIL_SCOPE,
        "character_id": str(character_id),
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    consent = f"{on.eve_url}/v2/oauth/authorize"
    async with on.session.post(consent, data=asked, allow_redirects=False) as response:
        code = parse_qs(urlsplit(response.headers["Location"]).query)["code"][0]
    exchange = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": asked["client_id"],
        "code_verifier": VERIFIER,
    }
    async with on.session.post(f"{on.eve_url}/v2/oauth/token", data=exchange) as response:
        tokens: dict[str, Any] = await response.json()
    return tokens


async def _start(client: Client, state: UserSyncState) -> None:
    await start_or_join(
        client,
        "UserSync",
        state,
        workflow_id=user_sync_id(state.character_id),
        priority=character_priority(state.character_id, PRIORITY_OF[CallClass.FIRST_SYNC]),
        found_by=[
            SearchAttributePair(SYNC_STATE, str(state.state)),
            SearchAttributePair(CHARACTER_ID, state.character_id),
        ],
        memo={"character_id": state.character_id},
    )
