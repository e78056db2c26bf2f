"""Logs of every process of ours, and of Temporal's client in it: where they go, and what never gets into them.

Secrets are kept out where they are handled; the redaction here is the last guard, for what a library or a
traceback lets slip. It works on the finished line, so that no argument, exception or nested record escapes it.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import orjson
from temporalio import activity, workflow
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from settings import Settings

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A JWT: what EVE's access tokens are. The header of every one begins with '{"', in base64 "eyJ".
    (re.compile(r"eyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)*"), "[token]"),
    (re.compile(r"\b(Bearer|Basic|DPoP)\s+[\w~+/.=-]{8,}", re.IGNORECASE), r"\1 [redacted]"),
    # Form fields, query parameters, JSON members and Python literals that carry a secret by name.
    (
        re.compile(
            r"""(\b(?:refresh_token|access_token|client_secret|code_verifier|hash|killmail_hash)\b["']?\s*[=:]\s*b?["']?)"""
            r"""[^\s&"',;)}\]]+"""
        ),
        r"\1[redacted]",
    ),
    # The callback's parameters, in a URL only: "state" and "code" are common words elsewhere.
    (re.compile(r"([?&](?:code|state|token)=)[^\s&\"'#]+"), r"\1[redacted]"),
    # What a webhook signs with, and an address of Discord's, which is a password.
    (re.compile(r"\bwhsec_[\w+/=-]+"), "[secret]"),
    (re.compile(r"(/webhooks/\d+/)[\w-]+"), r"\1[redacted]"),
    # A killmail's hash is 40 hexadecimal digits.
    (re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{40}(?![0-9a-fA-F])"), "[hash]"),
    # The password in postgresql://user:password@host and redis://:password@host.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)(?!password@)[^\s/@]+@"), r"\1[redacted]@"),
    # Fernet ciphertext: a version byte of 0x80 and a time-stamp make it begin so.
    (re.compile(r"gAAAA[\w-]{40,}=*"), "[ciphertext]"),
)


def redact(text: str) -> str:
    """`text` without anything that looks like a token, a killmail hash or a password."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered; empty elsewhere."""
_AROUND: dict[str, Callable[[], str]] = {"request_id": REQUEST_ID.get}
_OF_TEMPORAL = {
    "workflow_id": "workflow_id",
    "run_id": "run_id",
    "workflow_run_id": "run_id",
    "activity_type": "activity",
    "attempt": "attempt",
}
"""What of Temporal's own description goes into a line, and what it is called there."""


def work_of(record: logging.LogRecord) -> dict[str, Any]:
    """Whose work a line is about: a request, a workflow's run, an attempt of an activity. Asked as it is written."""
    told = getattr(record, "temporal_workflow", None) or getattr(record, "temporal_activity", None) or {}
    if not told and activity.in_activity():
        info = activity.info()
        told = {name: getattr(info, name) for name in ("workflow_id", "workflow_run_id", "activity_type", "attempt")}
    found = {ours: told[theirs] for theirs, ours in _OF_TEMPORAL.items() if theirs in told}
    return {name: value for name, tell in _AROUND.items() if (value := tell())} | found


def say_in_lines(name: str, tell: Callable[[], str]) -> None:
    """Put a field into each line of this process; `tell` answers for where it is called, empty for nothing."""
    _AROUND[name] = tell


class TextFormatter(logging.Formatter):
    """One line for a person: UTC time, level, logger, message, whose work it is; a traceback below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        work = " ".join(f"{name}={value}" for name, value in work_of(record).items())
        return f"{super().formatMessage(record)} [{work}]" if work else super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines; times are UTC (RFC 3339)."""

    def __init__(self) -> None:
        super().__init__()
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        moment = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        line: dict[str, Any] = {
            "time": f"{moment}.{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
            **work_of(record),
        }
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def configure_logging(settings: Settings) -> None:
    """Send every logger of this process, libraries' too, to standard error in one format, redacted.

    uvicorn must be started with `log_config=None`, or it would install handlers of its own, and with
    `access_log=False`: `api/serving/request_log.py` writes a line for each request.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # Whose work it is goes into fields of its own.
    workflow.logger.workflow_info_on_message = activity.logger.activity_info_on_message = False
    for chatty in ("alembic.runtime.plugins", "asyncio", "websockets"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
    # It tells with a traceback that Postgres is away; who asks Postgres says so in one line.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)


def temporal_runtime(metrics_address: str = "") -> Runtime:
    """A runtime whose core logs through Python (and so redacted); one a process, made before any Temporal client.

    Args:
        metrics_address: host:port where the SDK serves its own metrics to Prometheus; empty: nowhere.

    Raises:
        RuntimeError, ValueError: the address cannot be used.
    """
    exporter = PrometheusConfig(
        bind_address=metrics_address, durations_as_seconds=True, unit_suffix=True, counters_total_suffix=True
    )
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(logging.getLogger("temporalio.core"), append_target_to_name=False),
            ),
            metrics=exporter if metrics_address else None,
        ),
        worker_heartbeat_interval=timedelta(seconds=60),
    )
