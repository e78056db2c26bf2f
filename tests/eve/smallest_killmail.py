"""The least that ESI's contract lets a killmail's body hold."""

from typing import Any

SMALLEST: dict[str, Any] = {
    "killmail_id": 7,
    "killmail_time": "2011-03-04T05:06:07Z",
    "solar_system_id": 30000142,
    "victim": {"damage_taken": 0, "ship_type_id": 670},
    "attackers": [{"security_status": 0, "final_blow": True, "damage_done": 0}],
}
