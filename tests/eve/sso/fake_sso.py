"""An SSO of a test's own: real keys, tokens as EVE signs them, and forgeries of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

import orjson
from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from tests.eve.servers import CHARACTER_ID, CLIENT_ID

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGERS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
KID, OTHER_KID, EC_KID = "JWT-Signature-Key", "another-key", "8878a23f-2489-4045-989e-4d2f3ec1ae1a"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def integer(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def rsa_jwk(key: rsa.RSAPrivateKey, kid: str, **more: str) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    own = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": integer(numbers.n), "e": integer(numbers.e)}
    return {**own, **more}


def ec_jwk() -> dict[str, str]:
    numbers = EC_KEY.public_key().public_numbers()
    point = {"crv": "P-256", "x": integer(numbers.x), "y": integer(numbers.y)}
    return {"kty": "EC", "use": "sig", "alg": "ES256", "kid": EC_KID, **point}


KEYS: list[dict[str, str]] = [rsa_jwk(RSA_KEY, KID), rsa_jwk(OTHER_RSA_KEY, OTHER_KID), ec_jwk()]


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; a change to None leaves the claim out."""
    now = int(time.time())
    good = {
        "scp": ["esi-killmails.read_killmails.v1", "publicData"],
        "jti": "0f0d3a2b",
        "kid": KID,
        "sub": f"CHARACTER:EVE:{CHARACTER_ID}",
        "azp": CLIENT_ID,
        "tenant": "tranquility",
        "tier": "live",
        "region": "world",
        "aud": [CLIENT_ID, "EVE Online"],
        "name": "CCP Bartender",
        "owner": "8PmzCeTKb4VFUDrHLc/AeZXDSWM=",
        "exp": now + 1200,
        "iat": now,
        "iss": "https://login.eveonline.com",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def jws(header: dict[str, Any], payload: dict[str, Any] | bytes, key: Any = RSA_KEY) -> str:
    """A signed token by hand: the key's own kind decides how it is signed, whatever the header says."""
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    signed = f"{b64(orjson.dumps(header))}.{b64(body)}".encode()
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    elif isinstance(key, bytes):
        signature = hmac.new(key, signed, hashlib.sha256).digest()
    else:
        signature = b""
    return signed.decode() + "." + b64(signature)


def token(payload: dict[str, Any] | None = None, kid: str = KID, key: Any = RSA_KEY, **changes: Any) -> str:
    return jws({"alg": "RS256", "kid": kid, "typ": "JWT"}, payload or claims(**changes), key)


def public_key(encoding: serialization.Encoding) -> bytes:
    return RSA_KEY.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


class FakeSso:
    """Answers what a test tells it to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.keys = KEYS
        self.issuer = "https://login.eveonline.com"
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        self.down = False
        self.status = 200
        self.answer: Any = None
        self.headers: dict[str, str] = {}
        self.unmentioned: set[str] = set()  # of its metadata

    async def __call__(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        path = request.path.removeprefix("/eve")
        self.asked.append((request.method, path, form, request.headers.get("Authorization", "")))
        if self.down:
            return web.Response(status=503, text="<html>down</html>", content_type="text/html")
        if path == "/.well-known/oauth-authorization-server":
            base = str(request.url.with_path("/eve"))
            metadata = {
                "issuer": self.issuer,
                "authorization_endpoint": base + "/v2/oauth/authorize",
                "token_endpoint": base + "/v2/oauth/token",
                "revocation_endpoint": base + "/v2/oauth/revoke",
                "jwks_uri": base + "/oauth/jwks",
            }
            return web.json_response({name: metadata[name] for name in metadata.keys() - self.unmentioned})
        if path == "/oauth/jwks":
            return web.json_response({"keys": self.keys})
        body = self.answer if isinstance(self.answer, str) else orjson.dumps(self.answer).decode()
        html = body.startswith("<")
        return web.Response(
            status=self.status,
            text=body,
            headers=self.headers,
            content_type="text/html" if html else "application/json",
        )

    def count(self, path: str) -> int:
        return sum(asked[1] == path for asked in self.asked)


def grant(**changes: Any) -> dict[str, Any]:
    """What the token endpoint answers; a change to None leaves the field out."""
    good = {
        "access_token": token(),
        "expires_in": 1199,
        "token_type": "Bearer",
        "refresh_token": "the-new-refresh-token",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}
