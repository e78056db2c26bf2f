"""How arguments and results become JSON in Temporal, and back: by msgspec, in place of the SDK's own conversion.

What is written reads as the SDK's does, so either reads the other's. The SDK looks up the annotations of a dataclass
anew for every value of it, which took a twentieth of a worker's time (measured: decision 64).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from temporalio.api.common.v1 import Payload
from temporalio.converter import CompositePayloadConverter, DefaultPayloadConverter, EncodingPayloadConverter

JSON = "json/plain"


class _Json(EncodingPayloadConverter):
    """Of dataclasses and what they contain: numbers, text, enums, UTC moments, lists, mappings."""

    @property
    def encoding(self) -> str:
        return JSON

    def to_payload(self, value: Any) -> Payload:
        return Payload(metadata={"encoding": JSON.encode()}, data=msgspec.json.encode(value))

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Raises `msgspec.DecodeError` for what is not JSON, or not of this type."""
        return msgspec.json.decode(payload.data) if type_hint is None else _decoder(type_hint).decode(payload.data)


@lru_cache(maxsize=256)
def _decoder(type_hint: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_hint)


class PayloadConverter(CompositePayloadConverter):
    """The SDK's for nothing, bytes and protobuf; ours for the rest."""

    def __init__(self) -> None:
        standard = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(one for one in standard if one.encoding != JSON), _Json())
