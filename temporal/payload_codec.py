"""What workflows and activities say to each other, unreadable for whoever keeps or looks at Temporal's histories.

Off unless `TEMPORAL_PAYLOADS` says so: payloads are ids and counts, and no token is among them.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from settings import Settings

ENCODING = b"binary/encrypted"
PURPOSE = b"killreport: payloads of Temporal"
"""Keys are derived with it: who is let decode payloads cannot decode a token with that."""


class UnreadablePayload(Exception):
    """None of the keys opens a payload, or it was tampered with."""

    def __init__(self) -> None:
        super().__init__(
            "A payload of Temporal cannot be decrypted with TOKEN_ENCRYPTION_KEYS: add the key it was encrypted with"
            " after the newest one."
        )


class EncryptedPayloads(PayloadCodec):
    """Encrypts with the newest key, decrypts with any; lets through what was never encrypted.

    Args:
        keys: Fernet keys (32 bytes, URL-safe base64), newest first.
        encrypts: False only decrypts.
    """

    def __init__(self, keys: Sequence[str], *, encrypts: bool) -> None:
        self._cipher = MultiFernet([_derived(key) for key in keys])
        self._encrypts = encrypts

    @classmethod
    def from_settings(cls, settings: Settings) -> EncryptedPayloads | None:
        """The one of this installation; None where nothing is encrypted."""
        if settings.temporal_payloads == "plain":
            return None
        keys = [key.get_secret_value() for key in settings.token_encryption_keys]
        return cls(keys, encrypts=settings.temporal_payloads == "encrypted")

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each payload, whole, as the data of another."""
        if not self._encrypts:
            return list(payloads)
        return [
            Payload(metadata={"encoding": ENCODING}, data=self._cipher.encrypt(payload.SerializeToString()))
            for payload in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """What `encode` was given.

        Raises:
            UnreadablePayload
        """
        return [self._opened(payload) for payload in payloads]

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        try:
            return Payload.FromString(self._cipher.decrypt(payload.data))
        except InvalidToken:
            raise UnreadablePayload from None


def _derived(key: str) -> Fernet:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derivation.derive(base64.urlsafe_b64decode(key))))
