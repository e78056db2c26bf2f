"""What an operator can search workflows by, beyond Temporal's own attributes. Ids and states only.

Registered by `temporal/schedules.py`, set when a workflow starts, kept current by the workflow.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributeUpdate, TypedSearchAttributes

from contracts.sync import SyncState

SYNC_STATE: SearchAttributeKey[str] = SearchAttributeKey.for_keyword("SyncState")
CHARACTER_ID: SearchAttributeKey[int] = SearchAttributeKey.for_int("CharacterId")
CORPORATION_ID: SearchAttributeKey[int] = SearchAttributeKey.for_int("CorporationId")
LAST_NEW_KILLMAIL_AT: SearchAttributeKey[datetime] = SearchAttributeKey.for_datetime("LastNewKillmailAt")


def changes(
    now_set: TypedSearchAttributes,
    state: SyncState,
    corporation_id: int | None,
    last_new_killmail_at: datetime | None,
) -> list[SearchAttributeUpdate[Any]]:
    """What must be upserted so that the attributes say this; empty when they already do (an upsert is an event)."""
    updates: list[SearchAttributeUpdate[Any]] = []
    if now_set.get(SYNC_STATE) != str(state):
        updates.append(SYNC_STATE.value_set(str(state)))
    if corporation_id is not None and now_set.get(CORPORATION_ID) != corporation_id:
        updates.append(CORPORATION_ID.value_set(corporation_id))
    if last_new_killmail_at is not None and now_set.get(LAST_NEW_KILLMAIL_AT) != last_new_killmail_at:
        updates.append(LAST_NEW_KILLMAIL_AT.value_set(last_new_killmail_at))
    return updates
