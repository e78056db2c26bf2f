"""A command that failed: one sentence for the operator, no traceback."""

from __future__ import annotations


class OperationFailed(Exception):
    """`str()` is one sentence that says what failed and, where we know it, how to fix it."""
