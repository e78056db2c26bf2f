"""The keys SSO signs with, and JSON Web Tokens made and checked by hand (RFC 7515, 7517, 7518)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

RS256_KEY_ID = "JWT-Signature-Key"
ES256_KEY_ID = "8878a23f-2489-4045-989e-4d2f3ec1ae1a"


class SigningKeys:
    """An RS256 key that signs, and an ES256 key that is only published unless asked for, as EVE SSO does."""

    def __init__(self, directory: Path | None) -> None:
        self.rsa_key_id = RS256_KEY_ID
        self._rsa, self._ec = _kept(directory) if directory else _shared()

    def rotate(self) -> str:
        """Sign with a new RSA key under a new `kid`; the old one is no longer published. Not kept over a restart."""
        self._rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.rsa_key_id = f"{RS256_KEY_ID}-{base64.b32encode(self.modulus[-5:]).decode().lower()}"
        return self.rsa_key_id

    @property
    def modulus(self) -> bytes:
        number = self._rsa.public_key().public_numbers().n
        return number.to_bytes((number.bit_length() + 7) // 8, "big")

    def key_set(self) -> dict[str, Any]:
        """The JWKS document."""
        point = self._ec.public_key().public_numbers()
        return {
            "keys": [
                {
                    "alg": "RS256",
                    "e": "AQAB",
                    "kid": self.rsa_key_id,
                    "kty": "RSA",
                    "n": b64(self.modulus),
                    "use": "sig",
                },
                {
                    "alg": "ES256",
                    "crv": "P-256",
                    "kid": ES256_KEY_ID,
                    "kty": "EC",
                    "use": "sig",
                    "x": b64(point.x.to_bytes(32, "big")),
                    "y": b64(point.y.to_bytes(32, "big")),
                },
            ],
            "SkipUnresolvedJsonWebKeys": True,
        }

    def token(self, claims: dict[str, Any], alg: str = "RS256", kid: str = "") -> str:
        """A JWT with these claims: signed RS256 or ES256, HS256 with the public key as its secret, or "none"."""
        header = {"alg": alg, "kid": kid or (ES256_KEY_ID if alg == "ES256" else self.rsa_key_id), "typ": "JWT"}
        signed = f"{b64(orjson.dumps(header))}.{b64(orjson.dumps(claims))}"
        return f"{signed}.{b64(self._signature(alg, signed.encode()))}"

    def _signature(self, alg: str, signed: bytes) -> bytes:
        if alg == "RS256":
            return self._rsa.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        if alg == "ES256":
            r, s = utils.decode_dss_signature(self._ec.sign(signed, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if alg == "HS256":
            public = self._rsa.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return hmac.new(public, signed, hashlib.sha256).digest()
        if alg == "none":
            return b""
        raise ValueError(f"alg must be RS256, ES256, HS256 or none, not {alg}")

    def claims(self, token: str) -> dict[str, Any] | None:
        """The claims of a token of ours, whatever its age; None when it is not ours."""
        signed, _, signature = token.rpartition(".")
        try:
            raw = unb64(signature)
            if orjson.loads(unb64(signed.partition(".")[0])).get("alg") == "ES256":
                pair = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
                self._ec.public_key().verify(pair, signed.encode(), ec.ECDSA(hashes.SHA256()))
            else:
                self._rsa.public_key().verify(raw, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            claims: dict[str, Any] = orjson.loads(unb64(signed.partition(".")[2]))
        except (InvalidSignature, ValueError):
            return None
        return claims


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Raises ValueError when it is not base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


_Keys = tuple[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey]


@lru_cache(maxsize=1)
def _shared() -> _Keys:
    """One pair per process: making an RSA key takes longer than most tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048), ec.generate_private_key(ec.SECP256R1())


def _kept(directory: Path) -> _Keys:
    files = (directory / "rsa.pem", directory / "ec.pem")
    if not all(file.exists() for file in files):
        directory.mkdir(parents=True, exist_ok=True)
        made: tuple[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, ...] = (
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
            ec.generate_private_key(ec.SECP256R1()),
        )
        for file, key in zip(files, made, strict=True):
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            new = file.with_suffix(".new")
            new.write_bytes(pem)
            new.rename(file)  # whole or not at all, even if we are killed here
    first, second = (serialization.load_pem_private_key(file.read_bytes(), None) for file in files)
    if not isinstance(first, rsa.RSAPrivateKey) or not isinstance(second, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{directory} does not hold the keys it should")
    return first, second
