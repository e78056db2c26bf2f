"""Is this access token EVE's, for us, and whose? The only module that imports python-jose.

python-jose (3.5.0, the last) is lenient by default: it takes any algorithm the token names, HMAC with a
public key as the secret among them, tries every key whatever the token's `kid`, and lets tokens without
`aud`, `exp`, `iss` or `sub` pass. So here the algorithms are two, the one key is picked by `kid` and must be of the
kind that the algorithm takes, and every claim EVE documents ("Validating JWT tokens") is required. EVE publishes
a key for each of the two algorithms (seen 30 September 2026) and has signed with RS256 so far.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from jose import jwk, jwt
from jose.backends.base import Key
from jose.exceptions import ExpiredSignatureError, JOSEError, JWSError

from eve.errors import UntrustedAccessToken
from eve.sso.documents import SigningKey

__all__ = ["UntrustedAccessToken", "VerifiedCharacter", "verify"]

KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
"""The algorithms we take, each with the type of key that goes with it (RFC 7518)."""
AUDIENCE = "EVE Online"
LEEWAY_SECONDS = 10
MAX_TOKEN_LENGTH = 16_384
"""A token with every scope is about 4 KB."""
_SUBJECT = re.compile(r"CHARACTER:EVE:([1-9][0-9]{0,17})")
_OPTIONS = {
    **{f"require_{claim}": True for claim in ("exp", "aud", "iss", "sub")},
    "verify_at_hash": False,
    "leeway": LEEWAY_SECONDS,
}

FindKey = Callable[[str, SigningKey | None], Awaitable[SigningKey | None]]
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Claims(msgspec.Struct, frozen=True):
    sub: str
    aud: list[str]
    exp: int | float
    name: _Text
    owner: _Text
    azp: str | None = None
    scp: str | list[str] | None = None


@dataclass(frozen=True, slots=True)
class VerifiedCharacter:
    """The character a token speaks for. `owner_hash` changes when it moves to another EVE account."""

    character_id: int
    name: str
    owner_hash: str = field(repr=False)
    scopes: frozenset[str]
    expires_at: datetime


async def verify(token: str, find_key: FindKey, issuers: Iterable[str], client_id: str) -> VerifiedCharacter:
    """Check signature and claims of an access token.

    Args:
        find_key: gives the published key of a `kid`, if there is one; told of one that did not fit, a newer one.

    Raises:
        UntrustedAccessToken: it is not EVE's, expired, or not meant for this application; says which.
        Unavailable: the keys cannot be had.
    """
    if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH:
        raise _untrusted("is not a token")
    algorithm, kid = _header(token)
    published = await find_key(kid, None)
    if published is None:
        raise _untrusted("is signed with a key that EVE does not publish")
    claims = _claims(token, published, algorithm, issuers)
    if claims is None and (newer := await find_key(kid, published)) is not None:
        claims = _claims(token, newer, algorithm, issuers)
    if claims is None:
        raise _untrusted("is not signed with the key that it names")
    return _character(claims, client_id)


def _claims(token: str, key: SigningKey, algorithm: str, issuers: Iterable[str]) -> dict[str, Any] | None:
    """None: this key did not make the signature."""
    # Whatever python-jose stumbles over in a token is a token not to trust; its errors may quote claims.
    try:
        usable = _usable(key, algorithm)
        claims: dict[str, Any] = jwt.decode(
            token, usable, algorithms=[algorithm], audience=AUDIENCE, issuer=tuple(issuers), options=_OPTIONS
        )
    except ExpiredSignatureError:
        raise _untrusted("has expired") from None
    except (JOSEError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        if isinstance(error.__context__, JWSError):
            return None
        raise _untrusted(f"does not stand verification ({type(error).__name__})") from None
    return claims


def _header(token: str) -> tuple[str, str]:
    """The algorithm and the id of the key that the token names."""
    try:
        header = jwt.get_unverified_header(token)
    except (JOSEError, ValueError, TypeError, RecursionError):
        raise _untrusted("is not a token") from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
        raise _untrusted(f"is not signed with {' or '.join(KEY_TYPES)}")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid or "crit" in header:
        raise _untrusted("does not name its key")
    return algorithm, kid


@lru_cache(maxsize=16)
def _usable(key: SigningKey, algorithm: str) -> Key:
    """The key made of what makes a key of this algorithm, so that nothing else in the document can matter.

    EVE has two keys, and to make one takes as long as to verify a token with it (measured).
    """
    if key.kty == KEY_TYPES[algorithm] and key.use == "sig" and key.alg in ("", algorithm):
        if key.kty == "RSA" and key.n and key.e:
            return jwk.construct({"kty": "RSA", "n": key.n, "e": key.e}, algorithm)
        if key.kty == "EC" and key.crv == "P-256" and key.x and key.y:
            return jwk.construct({"kty": "EC", "crv": key.crv, "x": key.x, "y": key.y}, algorithm)
    raise _untrusted("names a key that is not for signing it")


def _character(decoded: dict[str, Any], client_id: str) -> VerifiedCharacter:
    try:
        claims = msgspec.convert(decoded, _Claims)
        expires_at = datetime.fromtimestamp(int(claims.exp), UTC)
    except msgspec.ValidationError as error:
        raise _untrusted(f"is not as agreed ({error})") from None
    except (OSError, OverflowError, ValueError):  # beyond any calendar
        raise _untrusted("has no usable expiry") from None
    # EVE documents both audiences; `azp` is customary, and not promised.
    if client_id not in claims.aud or claims.azp not in (None, client_id):
        raise _untrusted("is meant for another application")
    subject = _SUBJECT.fullmatch(claims.sub)
    if subject is None:
        raise _untrusted("does not speak for a character")
    return VerifiedCharacter(int(subject[1]), claims.name, claims.owner, _scopes(claims.scp), expires_at)


def _scopes(value: str | list[str] | None) -> frozenset[str]:
    """EVE sends a string for one scope, a list for several, nothing for none."""
    return frozenset(value.split() if isinstance(value, str) else value or ())


def _untrusted(why: str) -> UntrustedAccessToken:
    return UntrustedAccessToken(f"The access token {why}.")
