"""An SSO that grants whatever a test wants, true or forged: what `sandbox/eve`, being honest, does not do."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from eve.sso.scopes import KILLMAIL_SCOPE
from sandbox.eve.signing import SigningKeys

CLIENT_ID = "test-client"


@dataclass
class OddSso:
    """Change the fields, then log in."""

    url: str = ""
    character_id: int = 90_000_010
    name: str = "Ada Lovelace"
    owner: str = "first-owner"
    scopes: list[str] = field(default_factory=lambda: [KILLMAIL_SCOPE])
    refresh_token: str | None = "refresh-token-of-a-test"
    claims: dict[str, Any] = field(default_factory=dict)
    forged: bool = False
    status: int = 200
    moved_to: str = ""
    """Where the token endpoint says it is by now."""
    asked: list[dict[str, str]] = field(default_factory=list)
    """The forms sent to the token endpoint."""
    keys: SigningKeys = field(default_factory=lambda: SigningKeys(None))

    async def metadata(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "revocation_endpoint": f"{self.url}/revoke",
                "jwks_uri": f"{self.url}/jwks",
            }
        )

    async def jwks(self, _: web.Request) -> web.Response:
        return web.json_response(self.keys.key_set())

    async def token(self, request: web.Request) -> web.Response:
        self.asked.append({name: str(value) for name, value in (await request.post()).items()})
        if self.moved_to:
            return web.Response(status=307, headers={"Location": self.moved_to})
        if self.status != 200:
            return web.json_response({"error": "invalid_grant" if self.status == 400 else "x"}, status=self.status)
        access_token = self.keys.token(
            {
                "sub": f"CHARACTER:EVE:{self.character_id}",
                "name": self.name,
                "owner": self.owner,
                "scp": self.scopes,
                "aud": [CLIENT_ID, "EVE Online"],
                "azp": CLIENT_ID,
                "iss": self.url,
                "exp": time.time() + 1200,
                **self.claims,
            }
        )
        if self.forged:
            head, _, signature = access_token.rpartition(".")
            access_token = f"{head}.{signature[::-1]}"
        answer = {"access_token": access_token, "expires_in": 1199, "token_type": "Bearer"}
        if self.refresh_token is not None:
            answer["refresh_token"] = self.refresh_token
        return web.json_response(answer)

    async def affiliation(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return web.json_response([{"character_id": one, "corporation_id": 98_000_001} for one in asked])


@asynccontextmanager
async def serve_odd_sso() -> AsyncIterator[OddSso]:
    sso = OddSso()
    app = web.Application()
    app.router.add_get("/.well-known/oauth-authorization-server", sso.metadata)
    app.router.add_get("/jwks", sso.jwks)
    app.router.add_post("/token", sso.token)
    app.router.add_post("/characters/affiliation", sso.affiliation)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    sso.url = f"http://{host}:{port}"
    yield sso
    await runner.cleanup()
