"""A killmail's attackers counted by ship, corporation and alliance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]


def attacker_groups(attackers: Sequence[Row]) -> dict[str, list[Row]]:
    """`AttackerGroups` of the schema, of attackers with ship, corporation, alliance and damage."""
    return {f"{kind}s": groups(attackers, kind) for kind in ("ship", "corporation", "alliance")}


def groups(attackers: Sequence[Row], kind: str) -> list[Row]:
    """Largest first; of equal ones the one that did more damage, then in the order of the attackers."""
    groups: dict[str, Row] = {}
    for attacker in attackers:
        if (of := attacker[kind]) is not None:
            group = groups.setdefault(of["id"], {kind: of, "attackers": 0, "damageDone": 0})
            group["attackers"] += 1
            group["damageDone"] += attacker["damageDone"]
    return sorted(groups.values(), key=lambda group: (-group["attackers"], -group["damageDone"]))
