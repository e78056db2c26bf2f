"""Killmail bodies for the tests of this room: made ones, and the real ones beside the project."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.paths import SHARED_DATA

START = datetime(2026, 1, 1, tzinfo=UTC)

Body = dict[str, Any]


def body(
    killmail_id: int,
    *,
    victim: int | None = 90_000_001,
    attackers: tuple[int, ...] = (90_000_002,),
    minute: int | None = None,
    **more: Any,
) -> Body:
    """A small killmail; its time is `minute` minutes (by default its id) after `START`."""
    time = START + timedelta(minutes=killmail_id if minute is None else minute)
    return {
        "killmail_id": killmail_id,
        "killmail_time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "solar_system_id": 30_000_142,
        "victim": {
            "corporation_id": 98_000_001,
            "damage_taken": 1000,
            "ship_type_id": 587,
            **({} if victim is None else {"character_id": victim}),
        },
        "attackers": [
            {
                "character_id": character_id,
                "corporation_id": 98_000_002,
                "damage_done": 500,
                "final_blow": position == 0,
                "security_status": -1.5,
                "ship_type_id": 24692,
                "weapon_type_id": 3057,
            }
            for position, character_id in enumerate(attackers)
        ],
        **more,
    }


def raw(killmail: Body) -> bytes:
    """As ESI sends it."""
    return json.dumps(killmail).encode()


def real_killmails() -> list[Body]:
    """The real killmails beside the project, without the hash that was added to them; empty where there are none."""
    killmails = [json.loads(path.read_text()) for path in sorted((SHARED_DATA / "killmails").glob("[0-9]*.json"))]
    for killmail in killmails:
        del killmail["killmail_hash"]
    return killmails
