"""How the API, the worker and the CLI reach Temporal, and how one sees that it is away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client, Interceptor
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression, KeepAliveConfig, RPCError

from settings import Settings
from temporal.payload_codec import EncryptedPayloads
from temporal.payload_converter import PayloadConverter

KEEP_ALIVE = KeepAliveConfig(interval_millis=12_000, timeout_millis=5_000)
"""A connection that has gone silent is found and replaced within 17 s; by default in 45. The server takes a ping every
10 s for an attack (`frontend.keepAliveMinTime`)."""
CALL_TIMEOUT = timedelta(seconds=10)
"""A person is waiting: rather a clear refusal than a long silence."""
TEMPORAL_IS_AWAY = (RPCError, RuntimeError, OSError, TimeoutError)
"""What Temporal's client raises when the server does not answer (RuntimeError: the first connection failed)."""


async def connect_temporal(
    settings: Settings, *, lazy: bool = False, runtime: Runtime | None = None, interceptors: Sequence[Interceptor] = ()
) -> Client:
    """A client for the configured server. `TEMPORAL_*` beyond Settings (TLS, API key, …) are heeded too.

    Args:
        lazy: connect at the first call instead of now.
        interceptors: of the client, and of its workers.

    Raises:
        RuntimeError: the server cannot be reached (not when lazy).
    """
    # What we send is small; packing it costs both sides some percent of their time (measured).
    config: dict[str, Any] = {"grpc_compression": GrpcCompression.NONE, **ClientConfig.load_client_connect_config()}
    for option, name in (("target_host", "temporal_address"), ("namespace", "temporal_namespace")):
        if name in settings.model_fields_set or option not in config:
            config[option] = getattr(settings, name)
    codec = EncryptedPayloads.from_settings(settings)
    config["data_converter"] = DataConverter(payload_converter_class=PayloadConverter, payload_codec=codec)
    return await Client.connect(
        **config, lazy=lazy, runtime=runtime, keep_alive_config=KEEP_ALIVE, interceptors=interceptors
    )
