"""A world in which everyone has something that is nobody else's business, behind one running site.

What is private is made of words and numbers that occur nowhere else: wherever one of them shows, it leaked.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import aiohttp

from db.accounts.api_keys import create_api_key, revoke_api_key
from db.accounts.sessions import Scope, end_session, start_session
from db.corporations.directors import follow, note_role
from db.intake.arrivals import record_arrivals
from db.universe.names import store_names, store_solar_systems
from eve.sso.scopes import CORPORATION_SCOPES, KILLMAIL_SCOPE
from settings import Settings
from tests.api.running_site import Site, serve
from tests.attacks.callers import KEY_SCOPES, NOBODY, Caller, Proof, person
from tests.db.bodies import Body, body
from tests.stored import publish

OPEN, CLOSED_CORPORATION, ELSEWHERE, ALLIANCE = 98_300_001, 98_400_001, 98_900_001, 99_000_001
SYSTEM, SHIP = 30_000_142, 587
CHARACTERS = {
    Caller.PILOT: 90_100_001,
    Caller.OTHER_PILOT: 90_200_001,
    Caller.DIRECTOR: 90_300_001,
    Caller.MEMBER: 90_300_002,
    Caller.CLOSED_DIRECTOR: 90_400_001,
    Caller.CLOSED_MEMBER: 90_400_002,
    Caller.PRETENDER: 90_400_003,
    Caller.OPERATOR: 90_500_001,
    Caller.FORMER_OPERATOR: 90_500_002,
}
CORPORATIONS = {
    Caller.DIRECTOR: OPEN,
    Caller.MEMBER: OPEN,
    Caller.CLOSED_DIRECTOR: CLOSED_CORPORATION,
    Caller.CLOSED_MEMBER: CLOSED_CORPORATION,
    Caller.PRETENDER: CLOSED_CORPORATION,
}
FROM_ELSEWHERE = {"Origin": "https://evil.invalid", "Sec-Fetch-Site": "cross-site"}
ALT = 90_100_777
"""Ada's second character, on no killmail: that it is hers is nobody's business."""
KEPT_BY_FORMER_OPERATOR = 90_500_777
"""The former operator was sold; this one is what is left to who had it."""
ADAS_SECOND, ADAS_THIRD = 711_111_118, 711_111_119
"""With the first, a battle of hers: in the midst of everybody else's losses, in the same system and from her hunter."""
LAST_KILLMAIL = 799_999_999
"""With everybody on it: what a stream sends last."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What only some may see: a killmail with its hash, its value and the one who fired."""

    killmail_id: int
    killmail_hash: str
    value: str
    hunter_id: int
    hunter: str
    more: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """None of them may be in an answer to anybody else."""
        value = f"{Decimal(self.value):,}"  # as pages write it
        return (str(self.killmail_id), self.killmail_hash, self.value, value, self.hunter, *self.more)


ADAS = Secret(
    711_111_117, "a1" * 20, "111171111.17", 91_111_171, "Hunter of Ada",
    ("Adas Other Face", str(ALT), "Adas browser", "Adas program", "owner-hash-of-ada", "7117117"),
)  # fmt: skip
BOBS = Secret(722_222_227, "b2" * 20, "222272222.27", 92_222_272, "Hunter of Bob")
OF_OPEN = Secret(733_333_337, "c3" * 20, "333373333.37", 93_333_373, "Hunter of the Open")
OF_CLOSED = Secret(744_444_447, "d4" * 20, "444474444.47", 94_444_474, "Hunter of the Closed")
SEEN_BY: Mapping[Caller, tuple[Secret, ...]] = {
    Caller.PILOT: (ADAS,),
    Caller.OTHER_PILOT: (BOBS,),
    Caller.DIRECTOR: (OF_OPEN,),
    Caller.MEMBER: (OF_OPEN,),
    Caller.CLOSED_DIRECTOR: (OF_CLOSED,),
}
"""And nobody else sees any of them."""


def leaked(text: str, caller: Caller) -> list[str]:
    """The words in an answer that are none of the caller's business."""
    own = () if caller in NOBODY | {Caller.REVOKED_KEY} else SEEN_BY.get(person(caller), ())
    return [word for one in (ADAS, BOBS, OF_OPEN, OF_CLOSED) if one not in own for word in one.words if word in text]


@dataclass
class World:
    """The site, and what each caller proves themselves with."""

    site: Site
    http: aiohttp.ClientSession
    proofs: dict[Caller, Proof] = field(default_factory=dict)
    accounts: dict[Caller, int] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(95_000_001))

    @property
    def ada(self) -> int:
        """Her account."""
        return self.accounts[Caller.PILOT]

    @property
    def from_us(self) -> dict[str, str]:
        """What a browser says on one of our pages."""
        return {"Origin": self.site.address, "Sec-Fetch-Site": "same-origin"}

    async def spare_character(self) -> int:
        """One more of Ada's."""
        character_id = next(self._numbers)
        await self.site.add_pilot(character_id, self.ada)
        return character_id

    async def throw_away(self, caller: Caller) -> Proof:
        """A caller of this kind with an account of its own, to be ruined."""
        if caller in NOBODY | {Caller.REVOKED_KEY}:
            return self.proofs[caller]
        account_id = await self.site.add_pilot(next(self._numbers))
        return await self.prove(caller, account_id)

    async def prove(self, caller: Caller, account_id: int) -> Proof:
        """Something that opens this account, or did."""
        pool = self.site.pool
        if caller in KEY_SCOPES or caller is Caller.REVOKED_KEY:
            name = "Adas program" if account_id == self.ada else "A program"
            made = await create_api_key(pool, account_id, name, KEY_SCOPES.get(caller, {Scope.READ}))
            if caller is Caller.REVOKED_KEY:
                await revoke_api_key(pool, account_id, made.shown.api_key_id)
            return Proof(headers={**self.from_us, "Authorization": f"Bearer {made.secret}"})
        token = await start_session(pool, account_id, client="Adas browser" if account_id == self.ada else "")
        if caller is Caller.ENDED_SESSION:
            await end_session(pool, token)
        return Proof({"killreport": token}, FROM_ELSEWHERE if caller is Caller.OTHER_SITE else self.from_us)

    async def restore_import(self) -> None:
        """What Ada imported."""
        await self.site.pool.execute(
            "INSERT INTO zkillboard_imports (character_id, state, finished_at, listed)"
            " VALUES ($1, 'done', now(), 7117117) ON CONFLICT (character_id) DO UPDATE"
            " SET state = 'done', finished_at = now(), listed = 7117117",
            CHARACTERS[Caller.PILOT],
        )

    async def restore_boards(self) -> None:
        """Whose boards are open, and whose are not."""
        pool = self.site.pool
        for caller in (Caller.DIRECTOR, Caller.CLOSED_DIRECTOR, Caller.PRETENDER):
            await follow(pool, CHARACTERS[caller])
            if caller is not Caller.PRETENDER:
                await note_role(pool, CORPORATIONS[caller], CHARACTERS[caller])
        await publish(pool, OPEN, published=True)
        await publish(pool, CLOSED_CORPORATION, published=False)


def _killmail(secret: Secret, victim: int | None, corporation_id: int = ELSEWHERE) -> Body:
    made = body(secret.killmail_id, victim=victim, attackers=(secret.hunter_id,), minute=secret.hunter_id % 100)
    made["victim"] |= {"corporation_id": corporation_id, "alliance_id": ALLIANCE}
    made["victim"]["items"] = [{"item_type_id": 2048, "flag": 11, "singleton": 0, "quantity_destroyed": 1}]
    made["attackers"][0]["corporation_id"] = ELSEWHERE
    return made


ADAS_BODY = _killmail(ADAS, CHARACTERS[Caller.PILOT])


@asynccontextmanager
async def open_world(settings: Settings) -> AsyncIterator[World]:
    """One site for all cells of the matrix."""
    admins = frozenset({CHARACTERS[Caller.OPERATOR], CHARACTERS[Caller.FORMER_OPERATOR]})
    async with (
        serve(settings.model_copy(update={"admin_character_ids": admins})) as site,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        world = World(site, http)
        await _people(world)
        await _killmails(world)
        await world.restore_boards()
        yield world


async def _people(world: World) -> None:
    site = world.site
    for caller, character_id in CHARACTERS.items():
        world.accounts[caller] = await site.add_pilot(character_id, name=f"Pilot {caller.name.title()}")
        await site.pool.execute(
            "UPDATE users SET corporation_id = $2, scopes = $3 WHERE character_id = $1",
            character_id,
            CORPORATIONS.get(caller, ELSEWHERE),
            [KILLMAIL_SCOPE, *CORPORATION_SCOPES] if "DIRECTOR" in caller.name or caller is Caller.PRETENDER else [],
        )
    await site.add_pilot(ALT, world.ada, name="Adas Other Face")
    await site.add_pilot(KEPT_BY_FORMER_OPERATOR, world.accounts[Caller.FORMER_OPERATOR], name="Pilot Kept")
    await site.pool.execute("UPDATE users SET owner_hash = 'owner-hash-of-ada' WHERE account_id = $1", world.ada)
    await site.pool.execute(
        "UPDATE users SET sync_state = 'degraded', last_killmail_sync_at = now() - interval '3 hours'"
        " WHERE character_id = $1",
        ALT,
    )
    await site.pool.execute(
        "UPDATE users SET token_state = 'owner_changed' WHERE character_id = $1", CHARACTERS[Caller.FORMER_OPERATOR]
    )
    await world.restore_import()
    for caller in Caller:
        account_id = world.accounts.get(person(caller), world.ada)
        world.proofs[caller] = (
            Proof(headers=world.from_us) if caller is Caller.ANONYMOUS else await world.prove(caller, account_id)
        )


async def _killmails(world: World) -> None:
    site, victims = world.site, (CHARACTERS[Caller.PILOT], CHARACTERS[Caller.OTHER_PILOT], 90_999_001, 90_999_002)
    secrets = (ADAS, BOBS, OF_OPEN, OF_CLOSED)
    homes = (ELSEWHERE, ELSEWHERE, OPEN, CLOSED_CORPORATION)
    everybody = (*CHARACTERS.values(), KEPT_BY_FORMER_OPERATOR)
    last = body(LAST_KILLMAIL, victim=90_999_009, attackers=everybody, minute=300)
    made = [_killmail(secret, victim, home) for secret, victim, home in zip(secrets, victims, homes, strict=True)]
    more = [{**made[0], "killmail_id": one} for one in (ADAS_SECOND, ADAS_THIRD)]
    await site.store(*made, *more, last)
    for secret in secrets:
        await site.pool.execute(
            "UPDATE killmails SET total_value = $2::text::numeric, destroyed_value = $2::text::numeric,"
            " dropped_value = 0, fitted_value = 0, price_date = '2026-01-01', priced_kinds = 1, item_kinds = 1,"
            " solo = true, npc = false, awox = false, attacker_count = 1 WHERE killmail_id = $1",
            secret.killmail_id,
            secret.value,
        )
        await site.pool.execute(
            "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, stored_at, hash_from)"
            " VALUES ($1, $2, $3, now(), 'esi')",
            secret.killmail_id,
            secret.killmail_hash,
            victims[secrets.index(secret)],
        )
    await record_arrivals(site.pool, [one.killmail_id for one in secrets])
    await record_arrivals(site.pool, [LAST_KILLMAIL])
    named = [(one.hunter_id, "character", one.hunter) for one in secrets]
    named += [(CHARACTERS[caller], "character", f"Pilot {caller.name.title()}") for caller in CHARACTERS]
    named += [(OPEN, "corporation", "Open Hand"), (CLOSED_CORPORATION, "corporation", "Closed Fist")]
    named += [(ELSEWHERE, "corporation", "Elsewhere"), (ALLIANCE, "alliance", "Everyone")]
    named += [(SHIP, "inventory_type", "Rifter"), (SYSTEM, "solar_system", "Jita")]
    await store_names(site.pool, named)
    await store_solar_systems(site.pool, [(SYSTEM, 0.9, 20_000_020)])
