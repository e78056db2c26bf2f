"""PKCE (RFC 7636): proves that who redeems a login code is who asked for it. EVE SSO takes S256 only."""

from __future__ import annotations

import base64
import hashlib
import secrets


def new_code_verifier() -> str:
    """A secret of one login: 32 random bytes, base64url without padding."""
    return secrets.token_urlsafe(32)


def code_challenge(code_verifier: str) -> str:
    """What the authorize URL carries: base64url of the verifier's SHA-256, without padding."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
