"""`Killmail.attackerGroups`."""

from __future__ import annotations

from typing import Any

from ariadne import ObjectType

from api.attacker_groups import attacker_groups
from api.graphql.execution import Info

killmail = ObjectType("Killmail")
Row = dict[str, Any]


@killmail.field("attackerGroups")
def resolve_attacker_groups(row: Row, _: Info) -> dict[str, list[Row]]:
    return attacker_groups(row["attackers"])
