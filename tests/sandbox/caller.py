"""A plain HTTP client and a pilot's way through SSO, without any code of KillReport."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from sandbox.eve.server import SandboxEve

KILLMAIL_SCOPE = "esi-killmails.read_killmails.v1"
CORPORATION_SCOPE = "esi-killmails.read_corporation_killmails.v1"
CALLBACK = "http://127.0.0.1:1/auth/callback"


@dataclass
class Answered:
    """An answer, read to its end."""

    status: int
    headers: Any
    text: str
    json: Any = None


@dataclass
class Caller:
    """Asks the sandbox; paths are relative to its URL."""

    eve: SandboxEve
    session: aiohttp.ClientSession
    client_id: str = "an-application"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    async def ask(self, method: str, path: str, token: str = "", **request: Any) -> Answered:
        headers = {"User-Agent": "tests", **({"Authorization": f"Bearer {token}"} if token else {})}
        headers |= request.pop("headers", {})
        async with self.session.request(
            method, self.eve.url + path, headers=headers, allow_redirects=False, **request
        ) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Answered(response.status, response.headers, text, await response.json() if is_json else None)

    async def get(self, path: str, token: str = "", **request: Any) -> Answered:
        return await self.ask("GET", path, token, **request)

    async def post(self, path: str, **request: Any) -> Answered:
        return await self.ask("POST", path, **request)

    def authorization(self, *scopes: str, **other: str) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": " ".join(scopes),
            "state": "a-state",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **other,
        }

    async def code(self, character_id: int, *scopes: str, **other: str) -> str:
        """Consent as this pilot; the authorization code."""
        form = {**self.authorization(*scopes, **other), "character_id": str(character_id)}
        answer = await self.post("/v2/oauth/authorize", data=form)
        assert answer.status == 302, answer.text
        query = urlsplit(str(answer.headers["Location"])).query
        return parse_qs(query)["code"][0]

    async def exchange(self, code: str, **other: str) -> Answered:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "code_verifier": self.verifier,
            **other,
        }
        return await self.post("/v2/oauth/token", data=form)

    async def refresh(self, refresh_token: str, **other: str) -> Answered:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.client_id,
            **other,
        }
        return await self.post("/v2/oauth/token", data=form)

    async def log_in(self, character_id: int, *scopes: str) -> Any:
        """The token answer's JSON."""
        answer = await self.exchange(await self.code(character_id, *scopes))
        assert answer.status == 200, answer.text
        return answer.json
