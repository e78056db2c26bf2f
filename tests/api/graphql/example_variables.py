"""The variables of the examples in docs/queries."""

from __future__ import annotations

from typing import Any

ME, VICTIM = 90_000_010, 90_000_030
VARIABLES: dict[str, dict[str, Any]] = {
    "a-pilot": {"id": str(ME), "since": "2025-11-01T00:00:00Z"},
    "a-system": {"id": "30000142"},
    "one-killmail": {"id": "2"},
    "search": {"name": "ada"},
    "who-shot-whom": {"corporationId": "98000002", "shipGroupId": "25"},
}
