"""An EVE whose first pilot has a history that is synced in a moment."""

from __future__ import annotations

import pytest

from sandbox.eve.options import SandboxOptions

FEW_KILLMAILS = SandboxOptions(strangers=60, first_killmails=30)


@pytest.fixture
def eve_options() -> SandboxOptions:
    """A module whose tests need more killmails overrides it."""
    return FEW_KILLMAILS
