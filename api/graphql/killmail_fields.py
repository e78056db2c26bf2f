"""The fields of `Killmail` that are made from the others: its fit as EFT, its attackers by group."""

from __future__ import annotations

from typing import Any

from ariadne import ObjectType

from api.exports.eft import eft
from api.graphql.execution import Info
from db.killmails.attacker_groups import attacker_groups

killmail = ObjectType("Killmail")
Row = dict[str, Any]


@killmail.field("eft")
def resolve_eft(row: Row, _: Info) -> str | None:
    return eft(row)


@killmail.field("attackerGroups")
def resolve_attacker_groups(row: Row, _: Info) -> dict[str, list[Row]]:
    return attacker_groups(row["attackers"])


BINDABLES = (killmail,)
