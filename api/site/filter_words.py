"""A filter in words, for the owners of webhooks and feeds: "losses, in Jita, worth 100m ISK or more, without pods"."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import asyncpg

from api.site.labels import short_isk
from api.site.times import eve_time
from contracts.plurals import counted
from db.killmails.filter import KillmailFilter, ParticipantFilter
from db.killmails.filter_json import filter_from_json
from db.universe.search import Kind, names_of

Wanted = tuple[Kind, int]
Names = Mapping[Wanted, str]
_BANDS = {"HIGH_SEC": "high-sec", "LOW_SEC": "low-sec", "NULL_SEC": "null-sec", "WORMHOLE": "wormholes"}
_SIDES = {"VICTIM": "losses", "ATTACKER": "kills"}
_FLAGS = {
    "solo": ("solo kills alone", "without solo kills"),
    "npc": ("NPC kills alone", "without NPC kills"),
    "awox": ("awoxes alone", "without awoxes"),
    "pod": ("pods alone", "without pods"),
}


async def filters_in_words(pool: asyncpg.Pool, filters: Collection[Mapping[str, Any]]) -> list[str]:
    """Each of these (`db.killmails.filter_json`) in words; "" for one that asks nothing. One statement at most."""
    asked = [filter_from_json(dict(one)) for one in filters]
    names = await names_of(pool, {wanted for one in asked for wanted in _mentioned(one)})
    return [", ".join(_words(one, names)) for one in asked]


def _mentioned(chosen: KillmailFilter) -> Iterator[Wanted]:
    for one in (chosen.named, *(other for _, other in chosen.others())):
        yield from _of_participant(one)
    yield from _places(chosen)


def _of_participant(one: ParticipantFilter) -> list[Wanted]:
    return _given(
        ("CHARACTER", one.character_id),
        ("CORPORATION", one.corporation_id),
        ("ALLIANCE", one.alliance_id),
        ("TYPE", one.ship_type_id),
        ("TYPE_GROUP", one.ship_group_id),
    )


def _places(chosen: KillmailFilter) -> list[Wanted]:
    return _given(
        ("SOLAR_SYSTEM", chosen.solar_system_id),
        ("CONSTELLATION", chosen.constellation_id),
        ("REGION", chosen.region_id),
    )


def _given(*told: tuple[Kind, int | None]) -> list[Wanted]:
    return [(kind, id_) for kind, id_ in told if id_ is not None]


def _words(chosen: KillmailFilter, names: Names) -> Iterator[str]:
    def named(all_of: Collection[Wanted]) -> str:
        return " and ".join(names.get(one, f"{one[0].lower().replace('_', ' ')} {one[1]}") for one in all_of)

    if chosen.side:
        yield _SIDES[chosen.side]
    if not chosen.named.is_empty:
        yield f"of {named(_of_participant(chosen.named))}"
    for side, one in chosen.others():
        whose = {"VICTIM": "victim", "ATTACKER": "attacker", None: "victim or attacker"}[side]
        yield f"{whose} {named(_of_participant(one))}"
    for place in _places(chosen):
        yield f"in {named([place])}"
    if chosen.security:
        yield f"in {' or '.join(words for band, words in _BANDS.items() if band in chosen.security)}"
    if chosen.min_value is not None:
        yield f"worth {short_isk(str(chosen.min_value))} ISK or more"
    if chosen.max_value is not None:
        yield f"worth {short_isk(str(chosen.max_value))} ISK or less"
    if chosen.since is not None:
        yield f"since {eve_time(chosen.since)}"
    if chosen.until is not None:
        yield f"before {eve_time(chosen.until)}"
    if chosen.min_attackers is not None:
        yield f"{counted(chosen.min_attackers, 'attacker')} or more"
    if chosen.max_attackers is not None:
        yield f"{counted(chosen.max_attackers, 'attacker')} or fewer"
    for flag, (alone, without) in _FLAGS.items():
        if (wanted := getattr(chosen, flag)) is not None:
            yield alone if wanted else without
