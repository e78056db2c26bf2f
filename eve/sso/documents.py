"""What EVE SSO publishes about itself: where its endpoints are, and the keys it signs with.

The metadata document is RFC 8414's, at `/.well-known/oauth-authorization-server`; EVE's documentation
asks applications to read and cache it ("SSO", "Validating JWT tokens") rather than to write endpoints down.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import msgspec

from eve.answer import exchange
from eve.decoding import decoded, entries
from eve.errors import MalformedBody, Unavailable
from eve.sso.cached_document import CachedDocument

CCP_ISSUERS = ("https://login.eveonline.com", "login.eveonline.com", "https://login.eveonline.com/")
"""How EVE's access tokens have named their issuer; the documentation has all three."""


class SigningKey(msgspec.Struct, frozen=True):
    """A key of the key set (RFC 7517, 7518): `n` and `e` make an RSA key, `crv`, `x` and `y` one of a curve."""

    kid: str
    kty: str
    use: str = "sig"
    alg: str = ""
    n: str = ""
    e: str = ""
    crv: str = ""
    x: str = ""
    y: str = ""


class _Metadata(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str = ""


class _KeySet(msgspec.Struct, frozen=True):
    keys: msgspec.Raw


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

    async def signing_key(self, kid: str, refuted: SigningKey | None) -> SigningKey | None:
        """The one published key of this id. An id that is unknown, or one whose key did not make the signature
        (`refuted`), makes us look again, at most once a minute: a key may be replaced and keep its id.

        Raises:
            Unavailable, MalformedBody: the keys cannot be had.
        """
        keys = await self._keys.get()
        named = _keys_named(kid, keys)
        if named and named != [refuted]:
            return _only(named)
        return _only(_keys_named(kid, await self._keys.newer_than(keys)))

    async def prepare(self) -> SsoMetadata:
        """Have metadata and keys at hand, so that nothing is missing after a code or token was spent."""
        metadata = await self._metadata.get()
        await self._keys.get()
        return metadata

    async def _fetch_metadata(self) -> SsoMetadata:
        told = decoded(await self._get(f"{self._sso_url}/.well-known/oauth-authorization-server"), _Metadata, "EVE SSO")
        scheme = urlsplit(self._sso_url).scheme
        endpoints = {
            "authorization_endpoint": told.authorization_endpoint,
            "token_endpoint": told.token_endpoint,
            # RFC 8414 lets a server leave this one out; EVE's has never moved.
            "revocation_endpoint": told.revocation_endpoint or f"{self._sso_url}/v2/oauth/revoke",
            "jwks_uri": told.jwks_uri,
        }
        for name, url in endpoints.items():
            if urlsplit(url).scheme not in ("https", scheme):
                raise MalformedBody(f"EVE SSO's metadata has no usable {name}.")
        return SsoMetadata(**endpoints, issuers=_issuers(told.issuer))

    async def _fetch_keys(self) -> tuple[SigningKey, ...]:
        body = await self._get((await self._metadata.get()).jwks_uri)
        # A key of a kind we do not know is left out; the others are as good as before.
        return tuple(entries(bytes(decoded(body, _KeySet, "EVE SSO").keys), SigningKey, "EVE SSO").good)

    async def _get(self, url: str) -> bytes:
        answer = await exchange(self._session, "GET", url, service="EVE SSO")
        if answer.status != 200:
            raise Unavailable(f"EVE SSO answered {answer.status} when asked about itself.")
        return answer.body


def _issuers(issuer: str) -> tuple[str, ...]:
    if not issuer:
        raise MalformedBody("EVE SSO's metadata names no issuer.")
    plain = issuer.rstrip("/")
    own = (issuer, plain, plain + "/", urlsplit(plain).netloc or plain)
    return tuple(dict.fromkeys(own + CCP_ISSUERS))


def _keys_named(kid: str, keys: tuple[SigningKey, ...]) -> list[SigningKey]:
    return [key for key in keys if key.kid == kid]


def _only(keys: list[SigningKey]) -> SigningKey | None:
    return keys[0] if len(keys) == 1 else None
