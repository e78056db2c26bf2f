"""KillReport's own ESI and SSO clients find in the sandbox what they expect of EVE."""

from __future__ import annotations

import base64
import hashlib

import pytest
import redis.asyncio

from eve.budget import Budget, CallClass
from eve.errors import InvalidHash, TokenRevoked
from eve.esi import Esi
from eve.killmail import KillmailRef
from eve.session import open_session
from eve.sso import Sso
from sandbox.eve.server import SandboxEve
from settings import Settings, settings_from
from tests.sandbox.conftest import KILLMAIL_SCOPE, Client


@pytest.fixture
def settings(eve: SandboxEve) -> Settings:
    """Without the services this needs not."""
    return settings_from(
        {
            "DATABASE_URL": "postgresql://nowhere",
            "REDIS_URL": "redis://nowhere",
            "EVE_CLIENT_ID": "killreport-tests",
            "EVE_CLIENT_SECRET": "a-secret",
            "ESI_BASE_URL": eve.url,
            "EVE_SSO_URL": eve.url,
            "TOKEN_ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
        }
    )


async def test_a_login_a_refresh_and_a_revocation(settings: Settings, client: Client) -> None:
    pilot = client.eve.pilots[0]
    digest = hashlib.sha256(client.verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    async with open_session(settings) as session:
        sso = Sso(session, settings)
        address = await sso.authorization_url("a-state", challenge, [KILLMAIL_SCOPE])
        page = await client.get(address.removeprefix(client.eve.url))
        assert (page.status, pilot.name in page.text) == (200, True)
        code = await client.code(pilot.character_id, KILLMAIL_SCOPE, client_id=settings.eve_client_id)
        grant = await sso.exchange_code(code, client.verifier)
        assert grant.character.character_id == pilot.character_id
        assert grant.character.scopes == {KILLMAIL_SCOPE}
        assert grant.refresh_token
        refreshed = await sso.refresh(grant.refresh_token)
        assert refreshed.refresh_token
        assert refreshed.refresh_token != grant.refresh_token
        await sso.revoke(refreshed.refresh_token)
        with pytest.raises(TokenRevoked):
            await sso.refresh(refreshed.refresh_token)


async def test_a_list_its_bodies_and_the_names_in_them(settings: Settings, client: Client, redis_url: str) -> None:
    eve = client.eve
    veteran = eve.veteran.character_id
    token = eve.access_token(veteran, KILLMAIL_SCOPE, client_id=settings.eve_client_id)
    store = redis.asyncio.from_url(redis_url)
    async with open_session(settings) as session:
        esi = Esi(session, Budget(store), eve.url, settings.eve_client_id)
        seen = await esi.character_killmails(veteran, token, {}, CallClass.LIVE)
        assert [ref.killmail_id for ref in seen.refs] == eve.listed_killmail_ids(veteran)
        etags = {number: page.etag for number, page in seen.pages.items()}
        assert (await esi.character_killmails(veteran, token, etags, CallClass.LIVE)).unchanged
        assert await esi.killmail(seen.refs[0], CallClass.LIVE)
        with pytest.raises(InvalidHash):
            await esi.killmail(KillmailRef(seen.refs[0].killmail_id, "0" * 40), CallClass.LIVE)
        names = await esi.names([veteran, 587, 2_099_999_998], CallClass.LIVE)
        assert {one.id for one in names.found} == {veteran, 587}
        assert names.unknown == {2_099_999_998}
        assert (await esi.affiliations([veteran], CallClass.LIVE))[0].corporation_id == eve.veteran.corporation_id
        assert (await esi.solar_system(30000142, CallClass.LIVE)).name == "Jita"
        assert (await esi.server_status()).players
    await store.aclose()
    assert not [one for one in eve.requests if one.status in (400, 401, 403, 420, 429)]
