"""A command that failed: one sentence for the operator, no traceback."""

from __future__ import annotations


class OperationFailed(Exception):
    """`str()` is one sentence that says what failed and, where we know it, how to fix it."""


def without_sandbox(error: ModuleNotFoundError) -> str:
    """What to say when a command needs the room `sandbox` and it was left out, as the image for production does.

    Raises:
        ModuleNotFoundError: `error` itself; it is another module that is missing.
    """
    if (error.name or "").partition(".")[0] != "sandbox":
        raise error
    return (
        "There is no sandbox here, which starts what is not configured: set DATABASE_URL, REDIS_URL, TEMPORAL_ADDRESS"
        " and EVE_CLIENT_ID, then start `killreport migrate`, `killreport api` and `killreport worker`."
    )
