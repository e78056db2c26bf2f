"""An EVE whose buckets give their tokens back within seconds."""

from __future__ import annotations

import pytest

from sandbox.eve.options import SandboxOptions
from tests.worker.budget.windows import WINDOW_SECONDS


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, window_seconds=WINDOW_SECONDS)
