"""Is this access token EVE's, for us, and whose? The only module that imports python-jose.

python-jose (3.5.0, the last) is lenient by default: it takes any algorithm the token names, HMAC with a
public key as the secret among them, tries every key whatever the token's `kid`, and lets tokens without
`aud`, `exp`, `iss` or `sub` pass. So here the algorithm is fixed, the one key is picked by `kid` and looked
at before it is used, and every claim EVE documents ("Validating JWT tokens") is required.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from jose import jwt
from jose.exceptions import ExpiredSignatureError, JOSEError

from eve.errors import UntrustedAccessToken
from eve.sso.documents import SigningKey

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

FindKey = Callable[[str], Awaitable[SigningKey | None]]
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


def _usable(key: SigningKey | None) -> dict[str, str]:
    """The key reduced to what makes an RSA key, so that nothing else in the document can matter."""
    if key is None:
        raise _untrusted("is signed with a key that EVE does not publish")
    meant = key.kty == "RSA" and key.use == "sig" and key.alg in ("", ALGORITHM)
    if not meant or not key.n or not key.e:
        raise _untrusted("names a key that is not for signing it")
    return {"kty": "RSA", "alg": ALGORITHM, "n": key.n, "e": key.e}


def _character(decoded: dict[str, Any], client_id: str) -> VerifiedCharacter:
    try:
        claims = msgspec.convert(decoded, _Claims)
        expires_at = datetime.fromtimestamp(int(claims.exp), UTC)
    except msgspec.ValidationError as error:
        raise _untrusted(f"is not as agreed ({error})") from None
    except (OSError, OverflowError, ValueError):  # beyond any calendar
        raise _untrusted("has no usable expiry") from None
    if client_id not in claims.aud or claims.azp != client_id:
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
