from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from tests.sandbox.caller import KILLMAIL_SCOPE, Caller


@pytest.fixture
async def caller(eve: SandboxEve) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(eve, session)


@pytest.fixture
def token(eve: SandboxEve) -> str:
    """The first pilot's, for their own killmails."""
    return eve.access_token(eve.pilots[0].character_id, KILLMAIL_SCOPE)


@pytest.fixture
def eve_options() -> SandboxOptions:
    """As it is where nothing is said."""
    return SandboxOptions()
