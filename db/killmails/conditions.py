"""A killmail filter as SQL: what has an index to walk down, and what is then asked of each killmail met.

The row met is `here`, of `participants` or of `killmails`. What is asked of it beyond its own columns is a scalar
subquery by primary key, which the planner cannot turn into a join: so the walk stays a walk, and a page costs what
was met until it was full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from db.killmails.filter import Eyes, KillmailFilter, ParticipantFilter, Side
from db.visibility import PUBLIC_CORPORATIONS, PUBLIC_PILOTS, is_public
from eve.security import HIGH_SEC_FROM

Table = Literal["participants", "killmails"]
WORMHOLE_SYSTEMS = "BETWEEN 31000000 AND 31999999"
"""EVE developer documentation, "ID ranges"."""
CAPSULES = 29
"""The group of capsules. EVE static data, "groups"."""
_SIDES: dict[Side | None, tuple[str, ...]] = {
    None: (),
    "VICTIM": ("{row}.is_victim",),
    "ATTACKER": ("NOT {row}.is_victim",),
}
_BANDS = {
    "HIGH_SEC": f"place.security_status >= {HIGH_SEC_FROM}",
    "LOW_SEC": f"(place.security_status > 0 AND place.security_status < {HIGH_SEC_FROM})",
    "NULL_SEC": f"(place.security_status <= 0 AND place.solar_system_id NOT {WORMHOLE_SYSTEMS})",
    "WORMHOLE": f"place.solar_system_id {WORMHOLE_SYSTEMS}",
}


class Parameters:
    """The values of a statement, in the order they are bound."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def bind(self, value: object, kind: str) -> str:
        """The placeholder of a value of this SQL type."""
        self.values.append(value)
        return f"${len(self.values)}::{kind}"


Ids = Callable[[Parameters], str]
"""Gives an SQL array of ids."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way down an index of `table`: rows whose `column` is one of the ids, and of which `also` holds.

    `only`: the one id, if there is but one. Of a list the planner expects that it is longer, and plans each statement
    anew for the one that is there; that takes longer than most pages take to read.
    """

    table: Table
    column: str | None
    ids: Ids | None
    also: str | None = None
    only: int | None = None

    @classmethod
    def to(cls, column: str, ids: list[int], table: Table = "participants", also: str | None = None) -> Path:
        """To the rows of these ids."""
        return cls(table, column, _array(ids), also, ids[0] if len(ids) == 1 else None)

    def starts(self, parameters: Parameters) -> str:
        """FROM item `of(id)`: each of the ids, to go down from one by one (`of_one`)."""
        if self.only is not None:
            return f"(VALUES ({parameters.bind(self.only, 'bigint')})) AS of(id)"
        return "(VALUES (1)) AS of(id)" if self.ids is None else f"unnest({self.ids(parameters)}) AS of(id)"

    def of_one(self) -> list[str]:
        """What holds of the rows of one id."""
        return self._conditions("of.id")

    def of_any(self, parameters: Parameters) -> list[str]:
        """What holds of the rows of all ids together; the planner sees which they are."""
        if self.only is not None:
            return self._conditions(parameters.bind(self.only, "bigint"))
        return self._conditions(f"ANY({self.ids(parameters)})" if self.ids is not None else "")

    def _conditions(self, identity: str) -> list[str]:
        key = [] if self.column is None else [f"here.{self.column} = {identity}"]
        return key if self.also is None else [*key, self.also]


@dataclass(frozen=True, slots=True)
class Walk:
    """Paths that together meet every killmail of one condition, which then needs not be asked (`covers`)."""

    covers: str
    paths: tuple[Path, ...]


class Conditions:
    """What a killmail must fulfil for a viewer and a filter."""

    def __init__(self, seen_by: Eyes, chosen: KillmailFilter) -> None:
        self._eyes = seen_by
        self._chosen = chosen
        named = chosen.named
        # Whoever is named and is the viewer's own is one participant, not two.
        self._viewer_side = chosen.side if seen_by.named or named.is_empty else None
        self._viewer_is = named if seen_by.named else ParticipantFilter()
        # Of everything there is: a side is that of the viewer's own, if they have any.
        asks_own_side = self._viewer_side is not None and bool(seen_by.characters or seen_by.corporations)
        self._meets_all = seen_by.sight == "ALL" and not asks_own_side
        self._participants = [*chosen.others()]
        if not (seen_by.named or named.is_empty):
            self._participants.append((chosen.side, named))

    def walks(self) -> Iterator[Walk]:
        """The ways to find the killmails, the viewer's own first."""
        chosen = self._chosen
        yield Walk("viewer", tuple(self._paths_of_viewer()))
        for position, (side, one) in enumerate(self._participants):
            if (path := _participant_path(side, one)) is not None:
                yield Walk(f"participant {position}", (path,))
        if chosen.solar_system_id is not None:
            yield Walk("system", (Path.to("solar_system_id", [chosen.solar_system_id], "killmails"),))
        elif chosen.constellation_id is not None or chosen.region_id is not None:
            yield Walk("system", (Path("killmails", "solar_system_id", self._systems),))
        if chosen.awox:
            yield Walk("awox", (Path("killmails", None, None, "here.awox"),))

    def _paths_of_viewer(self) -> Iterator[Path]:
        eyes = self._eyes
        if self._meets_all:
            yield Path("killmails", None, None)
            return
        for column, ids in (("character_id", eyes.characters), ("corporation_id", eyes.corporations)):
            if ids:
                yield Path.to(column, ids)
        if eyes.sight == "PUBLIC":
            yield Path("participants", "character_id", lambda _: f"ARRAY({PUBLIC_PILOTS})")
            yield Path("participants", "corporation_id", lambda _: f"ARRAY({PUBLIC_CORPORATIONS})")

    def of_row(self, walk: Walk | None, table: Table, parameters: Parameters) -> list[str]:
        """Everything that is asked of a row which `walk` met; None: of a row that was met for no reason."""
        covered = "" if walk is None else walk.covers
        told = [*self.times(parameters)]
        if self._meets_all:
            told.append("true")  # whoever is on it, and on which side
        elif covered == "viewer":
            told += [*about("here", self._viewer_side, self._viewer_is, parameters)]
        else:
            told.append(self._is_seen(parameters))
        if self._chosen.pod is not None:
            lost = _somebody(["somebody.is_victim", f"somebody.ship_type_id = ANY({_group(CAPSULES)(parameters)})"])
            told.append(f"{lost} IS {'' if self._chosen.pod else 'NOT '}TRUE")
        for position, (side, one) in enumerate(self._participants):
            if covered == f"participant {position}":
                told += about("here", side, one, parameters)
            else:
                told.append(_somebody(about("somebody", side, one, parameters)))
        if killmail := [*self._of_killmail("here" if table == "killmails" else "killmail", parameters)]:
            all_of_it = " AND ".join(killmail)
            if table == "participants":
                all_of_it = (
                    f"(SELECT {all_of_it} FROM killmails AS killmail WHERE killmail.killmail_id = here.killmail_id)"
                )
            told.append(all_of_it)
        return told

    def times(self, parameters: Parameters) -> Iterator[str]:
        """The bounds in time, which every index has."""
        if self._chosen.since is not None:
            yield f"here.killmail_time >= {parameters.bind(self._chosen.since, 'timestamptz')}"
        if self._chosen.until is not None:
            yield f"here.killmail_time < {parameters.bind(self._chosen.until, 'timestamptz')}"

    def _is_seen(self, parameters: Parameters) -> str:
        eyes, side = self._eyes, (self._viewer_side, self._viewer_is)
        ways = []
        by = " OR ".join(
            f"somebody.{column} = ANY({parameters.bind(ids, 'bigint[]')})"
            for column, ids in (("character_id", eyes.characters), ("corporation_id", eyes.corporations))
            if ids
        )
        if by:
            ways.append(_somebody([f"({by})", *about("somebody", *side, parameters)]))
        if eyes.sight == "PUBLIC":
            ways.append(_somebody([is_public("somebody"), *about("somebody", *side, parameters)]))
        return f"({' OR '.join(ways)})"

    def _of_killmail(self, row: str, parameters: Parameters) -> Iterator[str]:
        chosen = self._chosen
        bounds: tuple[tuple[str, object, str], ...] = (
            ("total_value >=", chosen.min_value, "numeric"),
            ("total_value <=", chosen.max_value, "numeric"),
            ("attacker_count >=", chosen.min_attackers, "int"),
            ("attacker_count <=", chosen.max_attackers, "int"),
            ("solar_system_id =", chosen.solar_system_id, "bigint"),
        )
        for comparison, value, kind in bounds:
            if value is not None:
                yield f"{row}.{comparison} {parameters.bind(value, kind)}"
        # Flags are part of the text: an index of those that have one is found by it.
        for name in ("solo", "npc", "awox"):
            if (flag := getattr(chosen, name)) is not None:
                yield f"{row}.{name}" if flag else f"NOT {row}.{name}"
        if place := [*self._of_place(parameters)]:
            yield (
                f"(SELECT {' AND '.join(place)} FROM solar_systems AS place LEFT JOIN constellations"
                f" USING (constellation_id) WHERE place.solar_system_id = {row}.solar_system_id)"
            )

    def _of_place(self, parameters: Parameters) -> Iterator[str]:
        chosen = self._chosen
        if chosen.constellation_id is not None:
            yield f"place.constellation_id = {parameters.bind(chosen.constellation_id, 'bigint')}"
        if chosen.region_id is not None:
            yield f"constellations.region_id = {parameters.bind(chosen.region_id, 'bigint')}"
        if chosen.security is not None:
            yield f"({' OR '.join(_BANDS[band] for band in sorted(chosen.security)) or 'false'})"

    def _systems(self, parameters: Parameters) -> str:
        conditions = [*self._of_place(parameters)]
        return (
            "ARRAY(SELECT place.solar_system_id FROM solar_systems AS place LEFT JOIN constellations"
            f" USING (constellation_id) WHERE {' AND '.join(conditions)})"
        )


def _array(ids: list[int]) -> Ids:
    return lambda parameters: parameters.bind(ids, "bigint[]")


def _participant_path(side: Side | None, one: ParticipantFilter) -> Path | None:
    """Down the index of whom there are fewest killmails; None: only the ship of an attacker is known."""
    for column, identity in (
        ("character_id", one.character_id),
        ("corporation_id", one.corporation_id),
        ("alliance_id", one.alliance_id),
    ):
        if identity is not None:
            return Path.to(column, [identity])
    if side != "VICTIM":
        return None
    if one.ship_type_id is not None:
        return Path.to("ship_type_id", [one.ship_type_id], also="here.is_victim")
    return Path("participants", "ship_type_id", _group(one.ship_group_id), "here.is_victim")


def _group(group_id: int | None) -> Ids:
    return lambda parameters: f"ARRAY(SELECT type_id FROM types WHERE group_id = {parameters.bind(group_id, 'bigint')})"


def about(row: str, side: Side | None, one: ParticipantFilter, parameters: Parameters) -> list[str]:
    """What is asked of a row of `participants`; nothing when nothing is known of it."""
    told = [condition.format(row=row) for condition in _SIDES[side]]
    told += [
        f"{row}.{column} = {parameters.bind(identity, 'bigint')}"
        for column in ("character_id", "corporation_id", "alliance_id", "ship_type_id")
        if (identity := getattr(one, column)) is not None
    ]
    if one.ship_group_id is not None:
        told.append(f"{row}.ship_type_id = ANY({_group(one.ship_group_id)(parameters)})")
    return told


def _somebody(conditions: list[str]) -> str:
    if "somebody.is_victim" in conditions:
        # With the killmail's id that is the whole primary key.
        conditions = ["somebody.ordinal = 0", *conditions]
    return (
        "(SELECT true FROM participants AS somebody WHERE somebody.killmail_id = here.killmail_id"
        # Known anyway; with it one entry of the index of whom we look for is enough, also on a killmail of thousands.
        f" AND somebody.killmail_time = here.killmail_time AND {' AND '.join(conditions)} LIMIT 1)"
    )
