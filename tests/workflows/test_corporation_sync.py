"""What a corporation's sync does when its directors come and go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client

from contracts.sync import Discovery
from temporal.corporation_sync import start_or_wake_corporation
from tests.workflows.conftest import Served
from tests.workflows.scripted import Scripted
from tests.workflows.waiting import CORPORATION, after, ok, until_corporation

DISCOVER = "discover_corporation_killmails"


@pytest.fixture
async def stand_ins(temporal_client: Client, serve: Served) -> Scripted:
    """They serve from the beginning; each test says what they answer."""
    scripted = Scripted()
    await serve(temporal_client, scripted)
    return scripted


async def test_a_director_who_comes_while_the_list_is_fresh_is_asked_when_that_is_over(
    temporal_client: Client, stand_ins: Scripted
) -> None:
    fresh_until = datetime.now(UTC) + timedelta(seconds=200)
    stand_ins.answers[DISCOVER] = [Discovery(fresh_until=fresh_until), Discovery(asked=False, fresh_until=fresh_until)]
    await start_or_wake_corporation(temporal_client, CORPORATION, 900)
    await until_corporation(temporal_client, ok)
    await start_or_wake_corporation(temporal_client, CORPORATION, 900)  # another one follows it
    status = await until_corporation(temporal_client, after(2))
    assert status.next_sync_at is not None
    assert timedelta(0) < status.next_sync_at - fresh_until < timedelta(seconds=5)
