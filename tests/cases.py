"""The cases beside the project: small inputs that once went wrong, with what is right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.paths import SHARED_CASES


def case(name: str) -> list[dict[str, Any]]:
    """The steps of a case; a test that reads one says so where the cases are not."""
    file = SHARED_CASES / f"{name}.json"
    if not file.exists():
        pytest.skip(f"the case {name} is not beside the checkout")
    steps: list[dict[str, Any]] = json.loads(file.read_text())["steps"]
    return steps


def bug(steps: list[dict[str, Any]], kind: str) -> Any:
    """How EVE misbehaves in the case: the first step that says so."""
    return next(step["bug"][kind] for step in steps if kind in step.get("bug", {}))
