"""A battle in a title and a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.site.killmail_words import name_of
from api.site.labels import short_isk
from api.site.times import eve_time
from contracts.plurals import counted

Node = Mapping[str, Any]


def where(battle: Node) -> str:
    """Jita; Jita and Perimeter; Jita, Perimeter and 2 more systems. That with the most losses comes first."""
    first, *others = (name_of(system, "system") for system in battle["solarSystems"])
    if not others:
        return first
    second, *more = others
    return f"{first}, {second} and {counted(len(more), 'more system')}" if more else f"{first} and {second}"


def title(battle: Node) -> str:
    """Battle in Jita and Perimeter."""
    return f"Battle in {where(battle)}"


def sentence(battle: Node) -> str:
    """Battle in Jita: Red Alliance against Blue Alliance, 40 losses, 72 pilots, 12.3b ISK destroyed, 2026-11-28."""
    figures = (
        counted(battle["killmailCount"], "loss"),
        counted(battle["pilotCount"], "pilot"),
        f"{short_isk(battle['iskDestroyed'])} ISK destroyed",
        f"{eve_time(battle['startedAt'])} EVE time",
    )
    return f"{title(battle)}: {', '.join((*opponents(battle), *figures))}."


def opponents(battle: Node) -> tuple[str, ...]:
    """Who fought whom, if two sides did."""
    if len(battle["sides"]) < 2:
        return ()
    return (" against ".join(side_name(side) for side in battle["sides"][:2]),)


def side_name(side: Node) -> str:
    """Whoever of a side has the most pilots, and how many others there are."""
    leader, *others = (_party_name(one) for one in side["parties"])
    return f"{leader} and {counted(len(others), 'other')}" if others else leader


def _party_name(one: Node) -> str:
    kind = next((kind for kind in ("alliance", "corporation") if one[kind]), "character")
    return name_of(one[kind], kind)
