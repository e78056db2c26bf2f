"""What EVE SSO publishes about itself: where its endpoints are, and the keys it signs with.

The metadata document is RFC 8414's, at `/.well-known/oauth-authorization-server`; EVE's documentation
asks applications to read and cache it ("SSO", "Validating JWT tokens") rather than to write endpoints down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from eve.answer import exchange
from eve.errors import MalformedBody, Unavailable
from eve.sso.cached_document import CachedDocument

CCP_ISSUERS = ("https://login.eveonline.com", "login.eveonline.com", "https://login.eveonline.com/")
"""How EVE's access tokens have named their issuer; the documentation has all three."""


@dataclass(frozen=True, slots=True)
class SsoMetadata:
    """Endpoints of the SSO, and every spelling of the issuer its tokens may carry."""

    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    issuers: tuple[str, ...]


class SsoDocuments:
    """Metadata and signing keys of the SSO at `sso_url`, each cached for an hour."""

    def __init__(self, session: aiohttp.ClientSession, sso_url: str) -> None:
        self._session = session
        self._sso_url = sso_url.rstrip("/")
        self._metadata = CachedDocument(self._fetch_metadata)
        self._keys = CachedDocument(self._fetch_keys)

    async def metadata(self) -> SsoMetadata:
        """Raises `Unavailable` or `MalformedBody` when it cannot be had."""
        return await self._metadata.get()

    async def signing_key(self, kid: str) -> dict[str, Any] | None:
        """The one published key of this id; an unknown id makes us look again, at most once a minute.

        Raises:
            Unavailable, MalformedBody: the keys cannot be had.
        """
        keys = await self._keys.get()
        if _keys_named(kid, keys):
            return _only(_keys_named(kid, keys))
        return _only(_keys_named(kid, await self._keys.newer_than(keys)))

    async def prepare(self) -> SsoMetadata:
        """Have metadata and keys at hand, so that nothing is missing after a code or token was spent."""
        metadata = await self._metadata.get()
        await self._keys.get()
        return metadata

    async def _fetch_metadata(self) -> SsoMetadata:
        document = await self._json(f"{self._sso_url}/.well-known/oauth-authorization-server")
        endpoints = ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri")
        # RFC 8414 lets a server leave this one out; EVE's has never moved.
        document.setdefault("revocation_endpoint", f"{self._sso_url}/v2/oauth/revoke")
        scheme = urlsplit(self._sso_url).scheme
        for name in endpoints:
            value = document.get(name)
            if not isinstance(value, str) or urlsplit(value).scheme not in ("https", scheme):
                raise MalformedBody(f"EVE SSO's metadata has no usable {name}.")
        authorization, token, revocation, jwks = (document[name] for name in endpoints)
        return SsoMetadata(authorization, token, revocation, jwks, _issuers(document.get("issuer")))

    async def _fetch_keys(self) -> tuple[dict[str, Any], ...]:
        document = await self._json((await self._metadata.get()).jwks_uri)
        keys = document.get("keys")
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise MalformedBody("EVE SSO's key set is not one.")
        return tuple(keys)

    async def _json(self, url: str) -> dict[str, Any]:
        answer = await exchange(self._session, "GET", url)
        if answer.status != 200:
            raise Unavailable(f"EVE SSO answered {answer.status} when asked about itself.")
        try:
            document = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise Unavailable("EVE SSO's answer was cut short or is not JSON.") from None
        if not isinstance(document, dict):
            raise MalformedBody("EVE SSO's answer is not the document agreed on.")
        return document


def _issuers(issuer: object) -> tuple[str, ...]:
    if not isinstance(issuer, str) or not issuer:
        raise MalformedBody("EVE SSO's metadata names no issuer.")
    plain = issuer.rstrip("/")
    own = (issuer, plain, plain + "/", urlsplit(plain).netloc or plain)
    return tuple(dict.fromkeys(own + CCP_ISSUERS))


def _keys_named(kid: str, keys: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [key for key in keys if key.get("kid") == kid]


def _only(keys: list[dict[str, Any]]) -> dict[str, Any] | None:
    return keys[0] if len(keys) == 1 else None
