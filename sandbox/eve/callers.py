"""Who calls ESI: what a bearer token says, and whether it may see what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.eve.answers import refusal
from sandbox.eve.clock import Clock
from sandbox.eve.grants import EVE_AUDIENCE
from sandbox.eve.signing import SigningKeys


@dataclass(frozen=True, slots=True)
class Caller:
    """`character_id` None: nobody, or a token that is not good."""

    address: str
    character_id: int | None = None
    client_id: str = ""
    scopes: frozenset[str] = frozenset()

    def user(self, authenticated_route: bool) -> str:
        """Whose bucket a request draws on (ESI docs, "Rate limiting")."""
        if self.character_id is None:
            return self.address
        return f"{self.client_id}:{self.character_id}" if authenticated_route else f"{self.address}:{self.client_id}"

    def require(self, scope: str) -> int:
        """The character, when its token holds this scope.

        Raises:
            Refusal: 401 without a good token, 403 without the scope.
        """
        if self.character_id is None:
            raise refusal(401, "Unauthorized - Invalid token")
        if scope not in self.scopes:
            raise refusal(403, f"token is not valid for scope: {scope}", sso_status=200)
        return self.character_id


class Callers:
    """Reads bearer tokens; a signature is checked once per token."""

    def __init__(self, keys: SigningKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._read: dict[str, dict[str, Any] | None] = {}

    def of(self, request: web.Request) -> Caller:
        address = request.remote or "unknown"
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return Caller(address)
        if token not in self._read:
            self._read[token] = self._keys.claims(token.strip())
        claims = self._read[token]
        if claims is None or claims.get("exp", 0) <= self._clock.now() or EVE_AUDIENCE not in claims.get("aud", ()):
            return Caller(address)
        scopes = claims.get("scp", [])
        character_id = str(claims.get("sub", "")).rpartition(":")[2]
        return Caller(
            address,
            int(character_id) if character_id.isdecimal() else None,
            claims.get("azp", ""),
            frozenset([scopes] if isinstance(scopes, str) else scopes),
        )
