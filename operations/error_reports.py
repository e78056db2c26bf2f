"""Errors of a running process, told to a service that speaks Sentry's protocol (Sentry, GlitchTip, Bugsink …).

Off unless SENTRY_DSN is set. What is told is what the log has at ERROR, with its traceback and whose work it was:
no values of variables, no requests, and every text redacted like a line of the log.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from observability import redact, work_of
from operations.failure import OperationFailed
from settings import VERSION, Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

SECONDS_AT_THE_END = 2
"""Until reports that are under way are given up when the process ends."""


def start_error_reports(settings: Settings, process: str) -> None:
    """Report this process's errors from now on, if that is wanted. Once a process.

    Args:
        process: what it is called there, as the tag "process".

    Raises:
        OperationFailed: the library is not installed, or SENTRY_DSN is not such an address.
    """
    dsn = settings.sentry_dsn.get_secret_value()
    if not dsn:
        return
    try:
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.integrations.dedupe import DedupeIntegration
        from sentry_sdk.integrations.excepthook import ExcepthookIntegration
        from sentry_sdk.integrations.logging import LoggingIntegration
        from sentry_sdk.utils import BadDsn
    except ModuleNotFoundError as error:
        raise OperationFailed(
            'SENTRY_DSN is set, but sentry-sdk is not installed: pip install "killreport[tracing]".'
        ) from error
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"killreport@{VERSION}",
            # Those of frameworks would add requests, queries and arguments, which hold secrets.
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[
                LoggingIntegration(level=None, event_level=logging.ERROR),
                ExcepthookIntegration(),
                DedupeIntegration(),
                AtexitIntegration(callback=_say_nothing),
            ],
            include_local_variables=False,
            max_request_body_size="never",
            send_default_pii=False,
            send_client_reports=False,
            auto_session_tracking=False,
            shutdown_timeout=SECONDS_AT_THE_END,
            before_send=_without_secrets,
        )
    except BadDsn:
        raise OperationFailed(
            "SENTRY_DSN cannot be used: it is no address of a project, such as https://key@errors.example.org/1."
        ) from None
    sentry_sdk.set_tag("process", process)


def _say_nothing(_pending: int, _seconds: float) -> None:
    """At the end of the process, instead of the library's words on standard error."""


def _without_secrets(event: Event, hint: Hint) -> Event:
    if (record := hint.get("log_record")) is not None:
        event["tags"] = {**event.get("tags", {}), **{name: str(value) for name, value in work_of(record).items()}}
    redacted: Event = _redacted(event)
    return redacted


def _redacted(value: Any) -> Any:
    """The same structure, every text in it redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: _redacted(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(one) for one in value]
    return value
