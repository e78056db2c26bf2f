"""The smallest EVE that the activities can be tried on, and a database to try them with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from temporalio.testing import ActivityEnvironment

from activities.access_tokens import AccessTokens
from activities.bodies import KillmailBodies
from activities.discovery import KillmailDiscovery
from activities.enrichment import Enrichment
from activities.imports import Imports
from activities.runs import Runs
from contracts.call_classes import CallClass
from db.accounts.grants import grant_character
from db.accounts.vault import TokenVault
from eve.errors import EveError, NotFound
from eve.esi.client import Esi, NamedId, Names, SolarSystem
from eve.esi.killmail_list import NO_HASH, KillmailWalk, PageSeen
from eve.esi.universe import Lookup, Told
from eve.killmail import KillmailRef
from eve.sso.access_token import VerifiedCharacter
from eve.sso.client import Grant, Issued, Sso
from eve.sso.scopes import KILLMAIL_SCOPE
from live import LiveEvents
from tests.activities.stand_in_zkillboard import StandInZkillboard
from tests.db.bodies import body, raw

PILOT = 90_000_001
ENEMY = 90_000_002
OWNER = "owner-of-the-pilot"


async def nobody(_: Sequence[int]) -> None:
    """There is no webhook to wake."""


class StandInEsi(Esi):
    """Lists, bodies and names that a test sets; every request is remembered."""

    def __init__(self) -> None:
        self.lists: dict[int, list[int]] = {}
        self.bodies: dict[int, bytes | EveError] = {}
        self.list_failure: EveError | None = None
        self.names_failure: EveError | None = None
        self.fresh_for = timedelta(0)
        self.hashless: frozenset[int] = frozenset()
        """Killmails that the lists show without a hash."""
        self.held: frozenset[int] = frozenset()
        """Killmails whose answer does not come while they are in here."""
        self.requests: list[str] = []
        self.access_tokens: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def character_killmails(
        self,
        character_id: int,
        access_token: str,
        etags: Mapping[int, str],
        call_class: CallClass,
        goes_on_at: int = 1,
    ) -> KillmailWalk:
        del call_class, goes_on_at
        self.requests.append("list")
        self.access_tokens.append(access_token)
        if self.list_failure is not None:
            raise self.list_failure
        listed = self.lists.get(character_id, [])
        etag = f'"{sorted(listed)} {sorted(self.hashless)}"'
        fresh_until = datetime.now(UTC) + self.fresh_for
        if etags == {1: etag}:
            return KillmailWalk(True, (), {1: PageSeen(etag, None)}, fresh_until, ends_at=1)
        refs = tuple(KillmailRef(i, NO_HASH if i in self.hashless else f"{i:040x}") for i in listed)
        return KillmailWalk(False, refs, {1: PageSeen(etag, len(refs), tuple(listed))}, fresh_until, ends_at=1)

    async def killmail(self, ref: KillmailRef, call_class: CallClass) -> bytes:
        del call_class
        self.requests.append(f"killmail {ref.killmail_id}")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        while ref.killmail_id in self.held:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self.at_once -= 1
        answer = self.bodies[ref.killmail_id]
        if isinstance(answer, EveError):
            raise answer
        assert ref.killmail_hash == f"{ref.killmail_id:040x}"
        return answer

    async def names(self, ids: Collection[int], call_class: CallClass) -> Names:
        del call_class
        self.requests.append("names")
        if self.names_failure is not None:
            raise self.names_failure
        return Names(tuple(NamedId(i, "character", f"Name {i}") for i in sorted(ids)), frozenset())

    async def solar_system(self, solar_system_id: int, call_class: CallClass) -> SolarSystem:
        del call_class
        self.requests.append("system")
        return SolarSystem(solar_system_id, "Jita", 0.9, 20_000_020)

    async def look_up(self, lookup: Lookup, entity_id: int, call_class: CallClass) -> Told:
        """Not counted: details are asked for in their own time."""
        del lookup, entity_id, call_class
        raise NotFound("No details here.")

    def happens(self, *killmail_ids: int, seen_by: tuple[int, ...] = (PILOT,), **more: Any) -> None:
        for killmail_id in killmail_ids:
            self.bodies[killmail_id] = raw(body(killmail_id, **more))
            for character_id in seen_by:
                self.lists.setdefault(character_id, []).append(killmail_id)


class StandInSso(Sso):
    """Renews every grant, or fails as told; what else SSO may say is tried in `test_access_tokens.py`."""

    def __init__(self) -> None:
        self.refreshed: list[str] = []
        self.failure: EveError | None = None

    async def refresh(self, refresh_token: str) -> Issued:
        self.refreshed.append(refresh_token)
        if self.failure is not None:
            raise self.failure
        return Issued(f"access {len(self.refreshed)}", f"refresh {len(self.refreshed)}", None)

    async def verified(self, access_token: str) -> VerifiedCharacter:
        return grant(access_token, "").character


def grant(
    access: str,
    refresh: str,
    *,
    character_id: int = PILOT,
    owner: str = OWNER,
    seconds: float = 1200,
    scopes: frozenset[str] = frozenset({KILLMAIL_SCOPE}),
) -> Grant:
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    return Grant(access, refresh, expires_at, VerifiedCharacter(character_id, "A Pilot", owner, scopes, expires_at))


class StandInLive(LiveEvents):
    """Remembers what was announced; `down` makes it fail."""

    def __init__(self) -> None:
        self.stored: list[tuple[list[int], list[int]]] = []
        self.changed: list[int] = []
        self.down = False

    async def killmails_stored(self, killmail_ids: Any, character_ids: Any) -> None:
        if self.down:
            raise ConnectionError
        self.stored.append((list(killmail_ids), list(character_ids)))

    async def sync_changed(self, character_id: int) -> None:
        self.changed.append(character_id)


@dataclass
class World:
    pool: asyncpg.Pool
    vault: TokenVault
    esi: StandInEsi = field(default_factory=StandInEsi)
    sso: StandInSso = field(default_factory=StandInSso)
    live: StandInLive = field(default_factory=StandInLive)
    zkillboard: StandInZkillboard = field(default_factory=StandInZkillboard)
    rung: list[list[int]] = field(default_factory=list)
    """The killmails whose webhooks were woken."""

    def __post_init__(self) -> None:
        self.tokens = AccessTokens(self.pool, self.sso, self.vault, self.live)
        self.discovery = KillmailDiscovery(self.pool, self.esi, self.tokens, self.vault, self.live)
        self.bodies = KillmailBodies(self.pool, self.esi, self.live, self.ring)
        self.enrichment = Enrichment(self.pool, self.esi, self.live)
        self.runs = Runs(self.pool, self.live)
        self.imports = Imports(self.pool, self.zkillboard, self.live, self.ring)

    async def ring(self, killmail_ids: Sequence[int]) -> None:
        self.rung.append(list(killmail_ids))

    async def login(self, character_id: int = PILOT, **more: Any) -> None:
        given = grant("first access", "first refresh", character_id=character_id, **more)
        await grant_character(self.pool, self.vault, given, None, 98_000_001)

    async def run(self, activity: Callable[..., Any], *request: Any, attempt: int = 1) -> Any:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        return await environment.run(activity, *request)

    async def user(self, character_id: int = PILOT) -> asyncpg.Record:
        row = await self.pool.fetchrow("SELECT * FROM users WHERE character_id = $1", character_id)
        assert row is not None
        return row

    async def reference(self, killmail_id: int) -> asyncpg.Record:
        row = await self.pool.fetchrow("SELECT * FROM killmail_refs WHERE killmail_id = $1", killmail_id)
        assert row is not None
        return row
