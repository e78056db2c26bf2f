"""What the site does with a login through EVE SSO, without a browser."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, parse_qsl, urlsplit

import asyncpg

from db.accounts.grants import grant_character
from db.accounts.vault import TokenVault
from eve.session import open_session
from eve.sso.client import Sso
from eve.sso.pkce import code_challenge, new_code_verifier
from eve.sso.scopes import CORPORATION_SCOPES, KILLMAIL_SCOPE
from sandbox.eve.roster import Pilot
from settings import Settings


async def log_in(
    settings: Settings,
    pool: asyncpg.Pool,
    character_id: int,
    *,
    scopes: Sequence[str] = (KILLMAIL_SCOPE,),
    corporation_id: int | None = None,
) -> int:
    """Grant these scopes to us as this character; returns the account."""
    async with open_session(settings) as session:
        sso = Sso(session, settings)
        verifier = new_code_verifier()
        asked = await sso.authorization_url("state", code_challenge(verifier), list(scopes))
        form = dict(parse_qsl(urlsplit(asked).query)) | {"character_id": str(character_id)}
        async with session.post(asked.partition("?")[0], data=form, allow_redirects=False) as answer:
            code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        grant = await sso.exchange_code(code, verifier)
    granted = await grant_character(pool, TokenVault.from_settings(settings), grant, None, corporation_id)
    return granted.account_id


async def log_in_as_director(settings: Settings, pool: asyncpg.Pool, pilot: Pilot) -> int:
    """The same with what a director grants for their corporation."""
    scopes = (KILLMAIL_SCOPE, *CORPORATION_SCOPES)
    return await log_in(settings, pool, pilot.character_id, scopes=scopes, corporation_id=pilot.corporation_id)


async def add_user(pool: asyncpg.Pool, character_id: int, name: str = "Test Pilot") -> None:
    """A character that has logged in, whose own sync rests."""
    account_id = await pool.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
    await pool.execute(
        "INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, sync_state)"
        " VALUES ($1, $2, $3, 'owner', '{}', 'revoked', 'needs_login')",
        character_id,
        account_id,
        name,
    )
