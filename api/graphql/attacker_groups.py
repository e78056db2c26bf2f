"""`Killmail.attackerGroups`: a killmail's attackers counted by ship, corporation and alliance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ariadne import ObjectType

from api.graphql.execution import Info

killmail = ObjectType("Killmail")
Row = dict[str, Any]


@killmail.field("attackerGroups")
def resolve_attacker_groups(row: Row, _: Info) -> dict[str, list[Row]]:
    return {f"{kind}s": groups(row["attackers"], kind) for kind in ("ship", "corporation", "alliance")}


def groups(attackers: Sequence[Row], kind: str) -> list[Row]:
    """Largest first; of equal ones the one that did more damage, then in the order of the attackers."""
    groups: dict[str, Row] = {}
    for attacker in attackers:
        if (of := attacker[kind]) is not None:
            group = groups.setdefault(of["id"], {kind: of, "attackers": 0, "damageDone": 0})
            group["attackers"] += 1
            group["damageDone"] += attacker["damageDone"]
    return sorted(groups.values(), key=lambda group: (-group["attackers"], -group["damageDone"]))
