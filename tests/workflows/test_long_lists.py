"""A list that takes several looks: each goes on where the one before had to stop, and a full look is one to the end."""

from __future__ import annotations

from temporalio.client import Client

from contracts.sync import DiscoverKillmails, Discovery, FailureType, user_sync_id
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.workflows.conftest import Served
from tests.workflows.stand_ins import StandIns, failure
from tests.workflows.waiting import CHARACTER, ok, until


async def test_each_look_goes_on_where_the_one_before_had_to_stop(temporal_client: Client, serve: Served) -> None:
    answers: list[Discovery | Exception] = [
        Discovery(rest_from_page=14),
        Discovery(rest_from_page=14),
        Discovery(asked=False),
        failure(FailureType.FORBIDDEN),
        Discovery(rest_from_page=20),
        Discovery(),
        Discovery(),
    ]
    fulls: list[bool] = []

    def answer(request: DiscoverKillmails) -> Discovery | Exception:
        fulls.append(request.full)
        return answers[len(fulls) - 1]

    stand_ins = StandIns(discoveries=answer)
    await serve(temporal_client, stand_ins)
    await start_or_wake(temporal_client, CHARACTER, 900)
    await until(temporal_client, lambda s: ok(s) and s.cycles == 1)
    await signal_user_sync(temporal_client, CHARACTER, "force_full_resync", "a test", at_next_look=True)
    handle = temporal_client.get_workflow_handle(user_sync_id(CHARACTER))
    looks = [await handle.execute_update("sync_now_and_wait") for _ in answers[1:]]
    assert [(look.full, look.goes_on_at) for look in stand_ins.looks] == [
        (False, 1),
        (True, 1),  # what was read with ETags is read again
        (True, 14),
        (True, 14),
        (True, 14),
        (True, 20),
        (False, 1),
    ]
    assert [look["last_full_sync_at"] is not None for look in looks] == [False, False, False, False, True, True], (
        "a full look is over when it got to the end"
    )
