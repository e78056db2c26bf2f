"""`Killmail.eft`."""

from __future__ import annotations

from typing import Any

from ariadne import ObjectType

from api.eft import eft
from api.graphql.execution import Info

killmail = ObjectType("Killmail")


@killmail.field("eft")
def resolve_eft(row: dict[str, Any], _: Info) -> str | None:
    return eft(row)
