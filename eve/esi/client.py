"""ESI, EVE Online's API: the calls KillReport makes, each typed, budgeted and checked.

Every method may raise, besides what it names (all in `eve/errors.py`): `RateLimited`, `ErrorLimited`,
`Downtime`, `Unavailable`, `MalformedBody`. Nothing is retried here: who calls decides, and can wait
without holding a worker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from prometheus_client import Counter, Histogram

from contracts.call_classes import CallClass
from eve.answer import Answer, exchange, utc_now
from eve.decoding import decoded, entries
from eve.errors import DoubtfulRefusal, EveError, Forbidden, MalformedBody, Unavailable
from eve.esi.budget import Budget
from eve.esi.documents import Affiliation, NamedId, Roles, ServerStatus, SolarSystem
from eve.esi.killmail_list import KillmailWalk, PageSeen, walk
from eve.esi.lookup import resolve
from eve.esi.market_prices import MarketPrices, market_prices
from eve.esi.responses import failure
from eve.esi.routes import (
    AFFILIATION,
    CHARACTER_KILLMAILS,
    CHARACTER_ROLES,
    CORPORATION_KILLMAILS,
    KILLMAIL,
    MARKET_PRICES,
    NAMES,
    SAVE_FITTING,
    SERVER_STATUS,
    SOLAR_SYSTEM,
    Route,
)
from eve.esi.universe import Lookup, Told
from eve.killmail import KillmailRef, is_killmail_hash, validate_killmail

__all__ = ["Affiliation", "Esi", "KillmailWalk", "NamedId", "Names", "PageSeen", "ServerStatus", "SolarSystem"]

logger = logging.getLogger(__name__)

ANSWERS = Counter(
    "killreport_esi_answers", "Answers of ESI by route and status; status none: there was none.", ["route", "status"]
)
SECONDS = Histogram(
    "killreport_esi_answer_seconds",
    "From asking ESI to its answer.",
    ["route"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
PUT_OFF = Counter(
    "killreport_esi_calls_put_off",
    "Calls of ESI that our own account did not let out, by class of work and reason.",
    ["call_class", "reason"],
)
LIMITS = ("420", "429")

Entry = TypeVar("Entry")
MANY_REFUSED = 3
"""So many pilots refused within ten minutes, for no reason that ESI names, do not owe it to themselves."""
FIRST_STRUCTURE_ID = 10**12
"""From here on ids are of things players placed, e.g. structures: nobody can look them up by id alone."""
UNNAMEABLE_IDS = range(40_000_000, 60_000_000)
"""Celestials and stargates (ESI docs, "ID ranges"): real, but /universe/names does not know them."""


@dataclass(frozen=True, slots=True)
class Names:
    """`unresolved`: not answered for, because too many calls failed on the way; ask again later."""

    found: tuple[NamedId, ...]
    unknown: frozenset[int]
    unresolved: frozenset[int] = frozenset()


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
        self,
        character_id: int,
        access_token: str,
        etags: Mapping[int, str],
        call_class: CallClass,
        goes_on_at: int = 1,
    ) -> KillmailWalk:
        """The character's killmails of the last 90 days: those where it is victim or had the final blow.

        Args:
            goes_on_at: the page that the last walk did not get to.

        Raises:
            AccessTokenRejected: refresh the access token and try once more.
            Forbidden: ESI refuses this character, and not many others; SSO must be asked why.
            DoubtfulRefusal: ESI refuses many at once, or cannot ask SSO.
        """
        path = f"/characters/{character_id}/killmails/recent"
        return await self._killmail_list(
            CHARACTER_KILLMAILS, path, character_id, access_token, etags, call_class, goes_on_at
        )

    async def corporation_killmails(
        self,
        corporation_id: int,
        director_id: int,
        access_token: str,
        etags: Mapping[int, str],
        call_class: CallClass,
        goes_on_at: int = 1,
    ) -> KillmailWalk:
        """The corporation's killmails of the last 90 days: its members' as victim or with the final blow.

        The budget is that of the director (a character id) whose access token asks.

        Raises:
            AccessTokenRejected: refresh the access token and try once more.
            RoleMissing, NotInCorporation: this character may not (any more), another one might.
            Forbidden, DoubtfulRefusal: as for a character's list.
        """
        path = f"/corporations/{corporation_id}/killmails/recent"
        return await self._killmail_list(
            CORPORATION_KILLMAILS, path, director_id, access_token, etags, call_class, goes_on_at
        )

    async def character_roles(self, character_id: int, access_token: str, call_class: CallClass) -> frozenset[str]:
        """The roles the character has in its corporation everywhere, e.g. "Director". ESI caches them an hour.

        Raises:
            AccessTokenRejected, Forbidden: as for the lists.
        """
        answer = await self._ask(
            CHARACTER_ROLES,
            f"/characters/{character_id}/roles",
            call_class,
            caller=f"{self._client_id}:{character_id}",
            headers={"Authorization": f"Bearer {access_token}"},
        )
        return decoded(answer.body, Roles, "ESI").roles or frozenset()

    async def save_fitting(
        self, character_id: int, access_token: str, fitting: Mapping[str, Any], call_class: CallClass
    ) -> None:
        """Save a ship's fitting in the game, for the character. `fitting`: as ESI's OpenAPI document has it.

        Raises:
            AccessTokenRejected, Forbidden: as for the lists.
            BadRequest: ESI takes no such fitting, or the character has as many as there may be.
        """
        await self._ask(
            SAVE_FITTING,
            f"/characters/{character_id}/fittings",
            call_class,
            caller=f"{self._client_id}:{character_id}",
            headers={"Authorization": f"Bearer {access_token}"},
            json=fitting,
        )

    async def killmail(self, ref: KillmailRef, call_class: CallClass) -> bytes:
        """The killmail's body as ESI sent it, checked.

        Raises:
            InvalidHash, NotFound, BadRequest: ESI will not give this killmail (a false 422 has been seen once
                under load).
        """
        if not is_killmail_hash(ref.killmail_hash):
            raise MalformedBody(f"The hash stored for killmail {ref.killmail_id} is none.")
        answer = await self._ask(KILLMAIL, f"/killmails/{ref.killmail_id}/{ref.killmail_hash}", call_class)
        validate_killmail(answer.body, ref.killmail_id)
        return answer.body

    async def names(self, ids: Collection[int], call_class: CallClass) -> Names:
        """Names of characters, corporations, alliances, factions, types and places, whatever the mix."""

        async def ask(batch: Sequence[int]) -> list[NamedId]:
            wanted = set(batch)
            answer = await self._ask_about(NAMES, "/universe/names", batch, call_class)
            return [named for named in self._good(answer, NamedId, NAMES) if named.id in wanted]

        sendable = {i for i in ids if 0 < i < FIRST_STRUCTURE_ID and i not in UNNAMEABLE_IDS}
        resolved = await resolve(sendable, ask)
        found = {named.id: named for named in resolved.found}
        unresolved = frozenset(resolved.unresolved)
        return Names(tuple(found.values()), frozenset(ids) - unresolved - found.keys(), unresolved)

    async def affiliations(self, character_ids: Collection[int], call_class: CallClass) -> tuple[Affiliation, ...]:
        """Corporation, alliance and faction of characters; those ESI does not know, or did not get to, are left out."""

        async def ask(batch: Sequence[int]) -> list[Affiliation]:
            answer = await self._ask_about(AFFILIATION, "/characters/affiliation", batch, call_class)
            return self._good(answer, Affiliation, AFFILIATION)

        resolved = await resolve({i for i in character_ids if 0 < i < 2**31}, ask)
        return tuple(resolved.found)

    async def solar_system(self, solar_system_id: int, call_class: CallClass) -> SolarSystem:
        """One solar system.

        Raises:
            NotFound: there is none with this id.
        """
        answer = await self._ask(SOLAR_SYSTEM, f"/universe/systems/{solar_system_id}", call_class)
        return decoded(answer.body, SolarSystem, "ESI")

    async def look_up(self, lookup: Lookup, entity_id: int, call_class: CallClass) -> Told:
        """What ESI tells of one thing.

        Raises:
            NotFound, BadRequest: there is none with this id.
        """
        return lookup.read((await self._ask(lookup.route, lookup.path(entity_id), call_class)).body)

    async def market_prices(self, etag: str, call_class: CallClass) -> MarketPrices | None:
        """Every type's prices; None when they are still those that came with `etag` ("": none is known)."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = await self._ask(MARKET_PRICES, "/markets/prices", call_class, headers=headers)
        return None if answer.status == 304 else market_prices(answer)

    async def server_status(self) -> ServerStatus:
        """The game server's status; asked even while everything else waits for the end of a downtime."""
        answer = await self._ask(SERVER_STATUS, "/status", CallClass.LIVE, heed_downtime=False)
        return decoded(answer.body, ServerStatus, "ESI")

    async def _killmail_list(
        self,
        route: Route,
        path: str,
        character_id: int,
        access_token: str,
        etags: Mapping[int, str],
        call_class: CallClass,
        goes_on_at: int,
    ) -> KillmailWalk:
        async def page(number: int, etag: str) -> Answer:
            headers = {"Authorization": f"Bearer {access_token}"}
            if etag:
                headers["If-None-Match"] = etag
            caller = f"{self._client_id}:{character_id}"
            return await self._ask(route, f"{path}?page={number}", call_class, caller=caller, headers=headers)

        found = await walk(page, etags, utc_now, goes_on_at)
        for wrong, count in found.unusable.items():
            logger.warning("%d entries of the list of %d are left out: %s.", count, character_id, wrong)
        return found

    async def _ask_about(self, route: Route, path: str, ids: Sequence[int], call_class: CallClass) -> bytes:
        async with self._one_at_a_time[route]:
            return (await self._ask(route, path, call_class, json=list(ids))).body

    def _good(self, body: bytes, kind: type[Entry], route: Route) -> list[Entry]:
        found = entries(body, kind, "ESI")
        for wrong, count in found.refused.items():
            logger.warning("%d entries of ESI's answer to %s are left out: %s.", count, route.template, wrong)
        return found.good

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
        """Reserve, send, settle; 200, 201 or (if asked for by ETag) 304."""
        try:
            reservation = await self._budget.reserve(route, caller, call_class, heed_downtime=heed_downtime)
        except EveError as error:
            PUT_OFF.labels(str(call_class), type(error).__name__).inc()
            raise
        begun = time.monotonic()
        try:
            answer = await exchange(
                self._session, route.method, self._base_url + path, service="ESI", headers=headers, json=json
            )
        except (Unavailable, MalformedBody) as error:
            _count(route, "none")
            raise await self._budget.settle(reservation, None) or error from None
        _count(route, str(answer.status))
        SECONDS.labels(route.template).observe(time.monotonic() - begun)
        known_better = await self._budget.settle(reservation, answer)
        if answer.status in (200, 201) or (answer.status == 304 and headers is not None and "If-None-Match" in headers):
            return answer
        if known_better is not None:
            raise known_better
        group = route.limit.group if route.limit else ""
        refusal = failure(answer, utc_now(), authenticated=caller is not None, group=group)
        if type(refusal) is Forbidden and caller is not None:
            refused = await self._budget.refused_lately(caller)
            if refused >= MANY_REFUSED:
                raise DoubtfulRefusal(
                    f"ESI refuses {refused} pilots at once: that is its trouble, not theirs. {refusal}"
                )
        raise refusal


def _count(route: Route, status: str) -> None:
    for limit in LIMITS:
        ANSWERS.labels(route.template, limit)  # so that the first one is seen as a rise from 0
    ANSWERS.labels(route.template, status).inc()
