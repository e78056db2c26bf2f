"""Tokens at rest: Fernet (AES-128-CBC with HMAC-SHA256), several keys, so that keys can be changed in use."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from prometheus_client import Counter

from settings import Settings

UNREADABLE = Counter("killreport_tokens_unreadable", "Stored tokens that no key of this process opened, each time.")


class VaultError(Exception):
    """A ciphertext that none of the keys opens. The message tells nothing of it."""


class TokenVault:
    """Encrypts with the newest key, decrypts with any.

    Args:
        keys: Fernet keys (32 bytes, URL-safe base64), newest first.

    Raises:
        ValueError: there is no key, or one is not a Fernet key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("A vault needs at least one key.")
        ciphers = [Fernet(key) for key in keys]
        self._newest = ciphers[0]
        self._all = MultiFernet(ciphers)

    @classmethod
    def from_settings(cls, settings: Settings) -> TokenVault:
        """The vault of this installation."""
        return cls([key.get_secret_value() for key in settings.token_encryption_keys])

    def encrypt(self, token: str) -> bytes:
        """Ciphertext of `token`; another one each time."""
        return self._all.encrypt(token.encode())

    def decrypt(self, ciphertext: bytes) -> str:
        """The token.

        Raises:
            VaultError: no key opens it, or it was tampered with.
        """
        try:
            return self._all.decrypt(ciphertext).decode()
        except InvalidToken:
            UNREADABLE.inc()
            raise VaultError(_SENTENCE) from None

    def rotate(self, ciphertext: bytes) -> bytes:
        """The same token under the newest key.

        Raises:
            VaultError: no key opens it, or it was tampered with.
        """
        try:
            return self._all.rotate(ciphertext)
        except InvalidToken:
            raise VaultError(_SENTENCE) from None

    def is_newest(self, ciphertext: bytes) -> bool:
        """Whether the newest key made it; if not, `rotate` is due before its key is withdrawn."""
        try:
            self._newest.decrypt(ciphertext)
        except InvalidToken:
            return False
        return True


_SENTENCE = (
    "A stored token cannot be decrypted: it was damaged,"
    " or the key that encrypted it is not among TOKEN_ENCRYPTION_KEYS any more."
)
