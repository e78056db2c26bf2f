"""Is this access token EVE's, for us, and whose? The only module that imports python-jose.

python-jose (3.5.0, the last) is lenient by default: it takes any algorithm the token names, HMAC with a
public key as the secret among them, tries every key whatever the token's `kid`, and lets tokens without
`aud`, `exp`, `iss` or `sub` pass. So here the algorithm is fixed, the one key is picked by `kid` and looked
at before it is used, and every claim EVE documents ("Validating JWT tokens") is required.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jose import jwt
from jose.exceptions import ExpiredSignatureError, JOSEError

from eve.errors import UntrustedAccessToken

__all__ = ["UntrustedAccessToken", "VerifiedCharacter", "verify"]

ALGORITHM = "RS256"
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

FindKey = Callable[[str], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class VerifiedCharacter:
    """The character a token speaks for. `owner_hash` changes when it moves to another EVE account."""

    character_id: int
    name: str
    owner_hash: str = field(repr=False)
    scopes: frozenset[str]
    expires_at: datetime


async def verify(token: str, find_key: FindKey, issuers: Iterable[str], client_id: str) -> VerifiedCharacter:
    """Check signature and claims of an access token. `find_key` gives the published key of a `kid`, if there is one.

    Raises:
        UntrustedAccessToken: it is not EVE's, expired, or not meant for this application; says which.
        Unavailable: the keys cannot be had.
    """
    if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH:
        raise _untrusted("is not a token")
    key = _usable(await find_key(_key_id(token)))
    # Whatever python-jose stumbles over in a token is a token not to trust; its errors may quote claims.
    try:
        claims = jwt.decode(
            token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=tuple(issuers), options=_OPTIONS
        )
    except ExpiredSignatureError:
        raise _untrusted("has expired") from None
    except (JOSEError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise _untrusted(f"does not stand verification ({type(error).__name__})") from None
    return _character(claims, client_id)


def _key_id(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except (JOSEError, ValueError, TypeError):
        raise _untrusted("is not a token") from None
    if header.get("alg") != ALGORITHM:
        raise _untrusted(f"is not signed with {ALGORITHM}")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid or "crit" in header:
        raise _untrusted("does not name its key")
    return kid


def _usable(key: dict[str, Any] | None) -> dict[str, str]:
    """The key reduced to what makes an RSA key, so that nothing else in the document can matter."""
    if key is None:
        raise _untrusted("is signed with a key that EVE does not publish")
    modulus, exponent = key.get("n"), key.get("e")
    meant = key.get("kty") == "RSA" and key.get("use", "sig") == "sig" and key.get("alg", ALGORITHM) == ALGORITHM
    if not meant or not isinstance(modulus, str) or not isinstance(exponent, str):
        raise _untrusted("names a key that is not for signing it")
    return {"kty": "RSA", "alg": ALGORITHM, "n": modulus, "e": exponent}


def _character(claims: dict[str, Any], client_id: str) -> VerifiedCharacter:
    audience = claims.get("aud")
    if not isinstance(audience, list) or client_id not in audience or claims.get("azp") != client_id:
        raise _untrusted("is meant for another application")
    subject = _SUBJECT.fullmatch(claims["sub"])
    if subject is None:
        raise _untrusted("does not speak for a character")
    name, owner = claims.get("name"), claims.get("owner")
    if not isinstance(owner, str) or not owner:
        raise _untrusted("does not say who owns the character")
    if not isinstance(name, str) or not name:
        raise _untrusted("does not name the character")
    return VerifiedCharacter(int(subject[1]), name, owner, _scopes(claims.get("scp")), _time(claims["exp"]))


def _time(seconds: object) -> datetime:
    if type(seconds) in (int, float):
        with contextlib.suppress(OSError, OverflowError, ValueError):  # beyond any calendar
            return datetime.fromtimestamp(int(seconds), UTC)  # type: ignore[call-overload]
    raise _untrusted("has no usable expiry")


def _scopes(value: object) -> frozenset[str]:
    """EVE sends a string for one scope, a list for several, nothing for none."""
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list) and all(isinstance(scope, str) for scope in value):
        return frozenset(value)
    raise _untrusted("has scopes of an unknown form")


def _untrusted(why: str) -> UntrustedAccessToken:
    return UntrustedAccessToken(f"The access token {why}.")
