"""ESI, EVE Online's API: the calls KillReport makes, each typed, budgeted and checked.

Every method may raise, besides what it names (all in `eve/errors.py`): `RateLimited`, `ErrorLimited`,
`Downtime`, `Unavailable`, `MalformedBody`. Nothing is retried here: who calls decides, and can wait
without holding a worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from contracts.call_classes import CallClass
from eve.answer import Answer, exchange, utc_now
from eve.errors import MalformedBody, Unavailable
from eve.esi.budget import Budget
from eve.esi.killmail_list import KillmailWalk, PageSeen, walk
from eve.esi.lookup import resolve
from eve.esi.market_prices import MarketPrices, market_prices
from eve.esi.routes import (
    AFFILIATION,
    CHARACTER_KILLMAILS,
    CHARACTER_ROLES,
    CORPORATION_KILLMAILS,
    KILLMAIL,
    MARKET_PRICES,
    NAMES,
    SERVER_STATUS,
    SOLAR_SYSTEM,
    Route,
)
from eve.esi.universe import Details, Lookup
from eve.killmail import KillmailRef, is_killmail_hash, validate_killmail
from eve.responses import expect, failure, parsed

__all__ = ["Affiliation", "Esi", "KillmailWalk", "NamedId", "Names", "PageSeen", "ServerStatus", "SolarSystem"]

FIRST_STRUCTURE_ID = 10**12
"""From here on ids are of things players placed, e.g. structures: nobody can look them up by id alone."""
UNNAMEABLE_IDS = range(40_000_000, 60_000_000)
"""Celestials and stargates (ESI docs, "ID ranges"): real, but /universe/names does not know them."""


@dataclass(frozen=True, slots=True)
class NamedId:
    """An id's name and what it is, by ESI's word: character, corporation, inventory_type, solar_system…"""

    id: int
    category: str
    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """`unresolved`: not answered for, because too many calls failed on the way; ask again later."""

    found: tuple[NamedId, ...]
    unknown: frozenset[int]
    unresolved: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Affiliation:
    """Where a character belongs now."""

    character_id: int
    corporation_id: int
    alliance_id: int | None
    faction_id: int | None


@dataclass(frozen=True, slots=True)
class SolarSystem:
    """`security_status` is the true one, -1.0 to 1.0, not rounded for display."""

    solar_system_id: int
    name: str
    security_status: float
    constellation_id: int


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The game server: pilots online and its build. May come from a cache while EVE is down."""

    players: int
    server_version: str


class Esi:
    """The client; one per process, safe to use from many tasks."""

    def __init__(self, session: aiohttp.ClientSession, budget: Budget, base_url: str, client_id: str) -> None:
        self._session = session
        self._budget = budget
        self._base_url = base_url.rstrip("/")
        self._client_id = client_id
        # Concurrent bulk lookups run into a limiter inside the game server; ESI shows none for them.
        self._one_at_a_time = {NAMES: asyncio.Lock(), AFFILIATION: asyncio.Lock()}

    async def character_killmails(
        self, character_id: int, access_token: str, etags: Mapping[int, str], call_class: CallClass
    ) -> KillmailWalk:
        """The character's killmails of the last 90 days: those where it is victim or had the final blow.

        Raises:
            AccessTokenRejected: refresh the access token and try once more.
            Forbidden: the token does not carry the scope, or the character may not.
        """

        path = f"/characters/{character_id}/killmails/recent"
        return await self._killmail_list(CHARACTER_KILLMAILS, path, character_id, access_token, etags, call_class)

    async def corporation_killmails(
        self,
        corporation_id: int,
        director_id: int,
        access_token: str,
        etags: Mapping[int, str],
        call_class: CallClass,
    ) -> KillmailWalk:
        """The corporation's killmails of the last 90 days: its members' as victim or with the final blow.

        The budget is that of the director (a character id) whose access token asks.

        Raises:
            AccessTokenRejected: refresh the access token and try once more.
            RoleMissing, NotInCorporation: this character may not (any more), another one might.
            Forbidden: the token does not carry the scope, or ESI errs.
        """
        path = f"/corporations/{corporation_id}/killmails/recent"
        return await self._killmail_list(CORPORATION_KILLMAILS, path, director_id, access_token, etags, call_class)

    async def character_roles(self, character_id: int, access_token: str, call_class: CallClass) -> frozenset[str]:
        """The roles the character has in its corporation everywhere, e.g. "Director". ESI caches them an hour.

        Raises:
            AccessTokenRejected, Forbidden: as for the lists.
        """
        document = _object(
            parsed(
                await self._ask(
                    CHARACTER_ROLES,
                    f"/characters/{character_id}/roles",
                    call_class,
                    caller=f"{self._client_id}:{character_id}",
                    headers={"Authorization": f"Bearer {access_token}"},
                )
            )
        )
        roles = document.get("roles") or []  # absent: none
        expect(
            isinstance(roles, list) and all(isinstance(role, str) for role in roles),
            "A character's roles of ESI's are not a list of words.",
        )
        return frozenset(roles)

    async def killmail(self, ref: KillmailRef, call_class: CallClass) -> bytes:
        """The killmail's body as ESI sent it, checked.

        Raises:
            InvalidHash, NotFound, BadRequest: ESI will not give this killmail (a false 422 has been seen once
                under load).
        """
        expect(is_killmail_hash(ref.killmail_hash), f"The hash stored for killmail {ref.killmail_id} is none.")
        answer = await self._ask(KILLMAIL, f"/killmails/{ref.killmail_id}/{ref.killmail_hash}", call_class)
        parsed(answer)  # cut short on the way: Unavailable, not a killmail that is wrong for ever
        validate_killmail(answer.body, ref.killmail_id)
        return answer.body

    async def names(self, ids: Collection[int], call_class: CallClass) -> Names:
        """Names of characters, corporations, alliances, factions, types and places, whatever the mix."""

        async def ask(batch: Sequence[int]) -> list[NamedId]:
            entries = await self._objects(NAMES, "/universe/names", batch, call_class)
            found = [NamedId(_integer(e, "id"), _text(e, "category"), _text(e, "name")) for e in entries]
            return [named for named in found if named.id in set(batch)]

        sendable = {i for i in ids if 0 < i < FIRST_STRUCTURE_ID and i not in UNNAMEABLE_IDS}
        resolved = await resolve(sendable, ask)
        found = {named.id: named for named in resolved.found}
        unresolved = frozenset(resolved.unresolved)
        return Names(tuple(found.values()), frozenset(ids) - unresolved - found.keys(), unresolved)

    async def affiliations(self, character_ids: Collection[int], call_class: CallClass) -> tuple[Affiliation, ...]:
        """Corporation, alliance and faction of characters; those ESI does not know, or did not get to, are left out."""

        async def ask(batch: Sequence[int]) -> list[Affiliation]:
            entries = await self._objects(AFFILIATION, "/characters/affiliation", batch, call_class)
            return [
                Affiliation(
                    _integer(e, "character_id"),
                    _integer(e, "corporation_id"),
                    None if e.get("alliance_id") is None else _integer(e, "alliance_id"),
                    None if e.get("faction_id") is None else _integer(e, "faction_id"),
                )
                for e in entries
            ]

        resolved = await resolve({i for i in character_ids if 0 < i < 2**31}, ask)
        return tuple(resolved.found)

    async def solar_system(self, solar_system_id: int, call_class: CallClass) -> SolarSystem:
        """One solar system.

        Raises:
            NotFound: there is none with this id.
        """
        document = _object(parsed(await self._ask(SOLAR_SYSTEM, f"/universe/systems/{solar_system_id}", call_class)))
        security: Any = document.get("security_status")
        expect(type(security) in (int, float), "A solar system of ESI's has no usable security_status.")
        return SolarSystem(
            _integer(document, "system_id"),
            _text(document, "name"),
            float(security),
            _integer(document, "constellation_id"),
        )

    async def look_up(self, lookup: Lookup, entity_id: int, call_class: CallClass) -> Details:
        """What ESI tells of one thing, in the columns of its `Lookup`.

        Raises:
            NotFound, BadRequest: there is none with this id.
        """
        return lookup.read(_object(parsed(await self._ask(lookup.route, lookup.path(entity_id), call_class))))

    async def market_prices(self, etag: str, call_class: CallClass) -> MarketPrices | None:
        """Every type's prices; None when they are still those that came with `etag` ("": none is known)."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = await self._ask(MARKET_PRICES, "/markets/prices", call_class, headers=headers)
        return None if answer.status == 304 else market_prices(answer)

    async def server_status(self) -> ServerStatus:
        """The game server's status; asked even while everything else waits for the end of a downtime."""
        document = _object(parsed(await self._ask(SERVER_STATUS, "/status", CallClass.LIVE, heed_downtime=False)))
        return ServerStatus(_integer(document, "players"), _text(document, "server_version"))

    async def _killmail_list(
        self,
        route: Route,
        path: str,
        character_id: int,
        access_token: str,
        etags: Mapping[int, str],
        call_class: CallClass,
    ) -> KillmailWalk:
        async def page(number: int, etag: str) -> Answer:
            headers = {"Authorization": f"Bearer {access_token}"}
            if etag:
                headers["If-None-Match"] = etag
            caller = f"{self._client_id}:{character_id}"
            return await self._ask(route, f"{path}?page={number}", call_class, caller=caller, headers=headers)

        return await walk(page, etags, utc_now)

    async def _objects(
        self, route: Route, path: str, ids: Sequence[int], call_class: CallClass
    ) -> list[dict[str, Any]]:
        async with self._one_at_a_time[route]:
            document = parsed(await self._ask(route, path, call_class, json=list(ids)))
        expect(isinstance(document, list), f"ESI's answer to {route.template} is not a list.")
        return [_object(entry) for entry in document]

    async def _ask(
        self,
        route: Route,
        path: str,
        call_class: CallClass,
        *,
        caller: str | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        heed_downtime: bool = True,
    ) -> Answer:
        """Reserve, send, settle; 200 or (if asked for by ETag) 304."""
        reservation = await self._budget.reserve(route, caller, call_class, heed_downtime=heed_downtime)
        try:
            answer = await exchange(self._session, route.method, self._base_url + path, headers=headers, json=json)
        except (Unavailable, MalformedBody) as error:
            raise await self._budget.settle(reservation, None) or error from None
        known_better = await self._budget.settle(reservation, answer)
        if answer.status == 200 or (answer.status == 304 and headers is not None and "If-None-Match" in headers):
            return answer
        if known_better is not None:
            raise known_better
        group = route.limit.group if route.limit else ""
        raise failure(answer, utc_now(), authenticated=caller is not None, group=group)


def _object(value: Any) -> dict[str, Any]:
    expect(isinstance(value, dict), "ESI sent something else than the object agreed on.")
    result: dict[str, Any] = value
    return result


def _integer(document: dict[str, Any], name: str) -> int:
    value = document.get(name)
    expect(type(value) is int, f"ESI's answer has no usable {name}.")
    return int(value)  # type: ignore[arg-type]


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    expect(isinstance(value, str), f"ESI's answer has no usable {name}.")
    return str(value)
