"""A running sandbox EVE: one HTTP server that is ESI, SSO, zKillboard, the archive and the image server at once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from types import TracebackType
from typing import Any

from aiohttp import web

from sandbox.eve import archive, esi_killmails, esi_universe, market_history, static_builds, stream
from sandbox.eve.answers import JSON, Answer, refusal
from sandbox.eve.control import Control
from sandbox.eve.faults import Fault, FaultKind
from sandbox.eve.fleet_fights import LONGEST_PAUSE
from sandbox.eve.gateway import Gateway
from sandbox.eve.grants import OddToken
from sandbox.eve.images import Images
from sandbox.eve.killmail_lists import Shift
from sandbox.eve.killmails import ListKind, Reference
from sandbox.eve.options import SandboxOptions
from sandbox.eve.receiver import Receiver
from sandbox.eve.requests import RequestRecord
from sandbox.eve.roster import Pilot
from sandbox.eve.routing import Asked, Route
from sandbox.eve.sso import Sso
from sandbox.eve.world import NEWCOMER, VETERAN, World
from sandbox.eve.zkillboard import ZKillboard

LONGEST_NAP_SECONDS = 0.5
MOST_AT_ONCE = 5_000
BATTLE_LOSSES = (9, 28)


class SandboxEve:
    """`async with SandboxEve(options) as eve:` serves at `eve.url`; what HTTP control can do, its methods can."""

    def __init__(self, options: SandboxOptions | None = None) -> None:
        self.options = options or SandboxOptions()
        self.world = World(self.options)
        self.receiver = Receiver()
        self._dice = random.Random(f"{self.options.seed} fights")
        self._next_fight = self.world.clock.now() + self._pause()
        self._next_battle = self.world.clock.now() + self._lull()
        self.world.clock.on_advance.append(self._fight)
        self._runner: web.AppRunner | None = None
        self._fighting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> SandboxEve:
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.options.host, self.options.port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.world.url = f"http://{host}:{port}"
        self.world.grants.issuer = self.options.issuer or self.world.url
        self._fighting = asyncio.create_task(self._fight_on())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fighting:
            self._fighting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._fighting
        if self._runner:
            await self._runner.cleanup()
        self.world.journal.close()

    @property
    def url(self) -> str:
        """Base of ESI, SSO, zKillboard and its stream; images are below `/images`, the killmail archive `/archive`."""
        return self.world.url

    @property
    def pilots(self) -> list[Pilot]:
        """Who can log in. The first has `first_killmails` listed, and is a director."""
        return self.world.roster.pilots

    @property
    def newcomer(self) -> Pilot:
        """A pilot to whom ESI lists no killmail."""
        return self.pilots[NEWCOMER]

    @property
    def veteran(self) -> Pilot:
        """A pilot with more killmails than a page holds."""
        return self.pilots[VETERAN]

    @property
    def requests(self) -> list[RequestRecord]:
        """Every request so far, oldest first."""
        return list(self.world.requests.records)

    def requests_of(self, route: str, method: str | None = None) -> list[RequestRecord]:
        """The requests to this path template."""
        return self.world.requests.of(route, method)

    def add_killmail(self, character_id: int, role: str = "victim", other_id: int | None = None) -> Reference:
        """A new killmail, listed once the list's cache expires (`expire_lists`)."""
        return self.world.make_killmail(character_id, role, other_id=other_id).reference

    def add_killmails(self, character_id: int, count: int, role: str = "victim") -> list[Reference]:
        return self.world.make_killmails(character_id, count, role)

    def expire_lists(self) -> None:
        """Serve the next look at any killmail list afresh."""
        self.world.lists.expire()

    def shift_pages(self, character_id: int, after_page: int = 1, add: int = 1, remove: int = 0) -> None:
        """Once `after_page` of this list was served: new killmails push the rest back, the oldest fall off."""
        self.world.lists.shifts.append(Shift(character_id, after_page, add, remove))

    def references(self, character_id: int) -> list[Reference]:
        """What ESI would list to them without its cache, newest first."""
        return self.world.killmails.listed(ListKind.CHARACTER, character_id, self.world.clock.now())

    def listed_killmail_ids(self, character_id: int) -> list[int]:
        return [reference.killmail_id for reference in self.references(character_id)]

    def corporation_references(self, corporation_id: int) -> list[Reference]:
        return self.world.killmails.listed(ListKind.CORPORATION, corporation_id, self.world.clock.now())

    def killmail(self, killmail_id: int) -> dict[str, Any]:
        """A body, as ESI sends it. Raises KeyError for an unknown one."""
        found = self.world.killmails.get(killmail_id)
        if found is None:
            raise KeyError(killmail_id)
        return found.parsed()

    def add_fault(self, kind: Any, **fault: Any) -> Fault:
        """Switch a fault on; `kind` is a `FaultKind` or its value. Raises ValueError for another."""
        return self.world.faults.add(Fault(FaultKind(kind), **fault))

    def remove_faults(self, route: str | None = None) -> None:
        self.world.faults.remove(route)

    def revoke(self, character_id: int) -> None:
        """Withdraw every grant of this pilot, as they can on EVE's support site."""
        self.world.grants.revoke_pilot(character_id)

    def transfer(self, character_id: int) -> None:
        """Sell the character: its owner hash changes."""
        self.world.roster.transfer(character_id)

    def lose_role(self, character_id: int) -> None:
        self.world.roster.set_director(character_id, False)

    def gain_role(self, character_id: int) -> None:
        self.world.roster.set_director(character_id, True)

    def odd_tokens(self, character_id: int, alg: str = "RS256", kid: str = "", drop: tuple[str, ...] = ()) -> None:
        """Sign this pilot's access tokens otherwise from now on; without arguments, as all others again."""
        self.world.grants.odd_tokens[character_id] = OddToken(alg, kid, drop)

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock: tokens, caches and windows age, and the universe fights on."""
        self.world.advance(seconds)

    def rotate_keys(self) -> str:
        """Sign with a new key from now on; returns its `kid`."""
        return self.world.keys.rotate()

    def forget_spending(self) -> None:
        """Refill every bucket and the error limit."""
        self.world.budgets.forget()

    def spend_killmail_tokens(self, tokens: int, address: str = "127.0.0.1") -> None:
        """Somebody else at our address reads killmails."""
        self.world.budgets.bucket(esi_killmails.BODY_LIMIT, address).spend(tokens)

    def access_token(self, character_id: int, *scopes: str, client_id: str = "killreport-tests", **claims: Any) -> str:
        """A token without a login; `claims` replaces some, None removes one."""
        return self.world.grants.access_token(client_id, character_id, scopes, **claims)

    def issued_access_tokens(self) -> set[str]:
        return set(self.world.grants.issued_access_tokens)

    def issued_refresh_tokens(self) -> set[str]:
        return set(self.world.grants.issued_refresh_tokens)

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=4 * 1024**2)
        gateway, days = Gateway(self.world), archive.Archive(self.world)
        Control(self.world).mount(app)
        self.receiver.mount(app)
        Sso(self.world).mount(app, gateway)
        for route in (*esi_killmails.ROUTES, *esi_universe.ROUTES):
            app.router.add_route(route.method, route.template, gateway.esi(route))
        app.router.add_route("GET", "/api/{path:.*}", gateway.plain("/api/{path}", ZKillboard(self.world).api))
        app.router.add_route("GET", "/archive/{path:.*}", gateway.plain(archive.ROUTE, days.file))
        app.router.add_route("GET", stream.ROUTE, gateway.plain(stream.ROUTE, stream.Stream(self.world).object))
        builds = static_builds.StaticBuilds(self.world)
        app.router.add_route("GET", "/static-data/{path:.*}", gateway.plain(static_builds.ROUTE, builds.file))
        market = market_history.MarketHistory(self.world)
        app.router.add_route("GET", "/market-history/{path:.*}", gateway.plain(market_history.ROUTE, market.file))
        app.router.add_route(
            "GET",
            "/images/{kind}/{id}/{variation}",
            gateway.recorded("/images/{kind}", Images(self.world.universe).image),
        )
        app.router.add_route("GET", "/", self._about)
        app.router.add_route("*", "/{path:.*}", gateway.esi(Route("*", "/{path}", _unknown)))
        return app

    async def _about(self, _: web.Request) -> web.Response:
        about = {
            "sandbox": "ESI, SSO, zKillboard and images of a made-up EVE",
            "control": f"{self.url}/_sandbox/pilots",
        }
        return web.json_response(about, headers={"Content-Type": JSON})

    def _pause(self) -> float:
        rate = self.world.killmails_per_hour
        return 3_600 / rate * self._dice.uniform(0.5, 1.5) if rate > 0 else float("inf")

    def _lull(self) -> float:
        rate = self.options.battles_per_hour
        return 3_600 / rate * self._dice.uniform(0.5, 1.5) if rate > 0 else float("inf")

    def _battle(self) -> None:
        """Let two fleets meet if they are due by now, led by pilots: by those who have logged in, if there are any."""
        if self._next_battle > self.world.clock.now() or not self.world.killmails_per_hour:
            return
        self._next_battle = self.world.clock.now() + self._lull()
        granted = set(self.world.grants.granted())
        order = sorted(self.pilots, key=lambda pilot: (pilot.character_id not in granted, self._dice.random()))
        led = [pilot for pilot in order if pilot.alliance_id is not None]
        red = led[0]
        blue = next(pilot for pilot in led if pilot.alliance_id != red.alliance_id)
        losses = self._dice.randint(*BATTLE_LOSSES)
        self.world.fight(
            self._dice.getrandbits(32), losses, (red.character_id, blue.character_id), losses * LONGEST_PAUSE
        )

    def _fight(self) -> None:
        """Make every killmail that is due by now."""
        self._battle()
        for _ in range(MOST_AT_ONCE):
            if self._next_fight > self.world.clock.now() or not self.world.killmails_per_hour:
                return
            granted = self.world.grants.granted()
            # Who has logged in wants to see something happen.
            favoured = granted if granted and self._dice.random() < 2 / 3 else []
            character_id = self._dice.choice(favoured or [pilot.character_id for pilot in self.pilots])
            self.world.make_killmail(character_id, self._dice.choice(("victim", "final_blow")), self._next_fight)
            self._next_fight += self._pause()

    async def _fight_on(self) -> None:
        while True:
            self._fight()
            due = min(self._next_fight, self._next_battle)
            await asyncio.sleep(min(LONGEST_NAP_SECONDS, max(0.0, due - self.world.clock.now())))


def _unknown(_: Asked) -> Answer:
    raise refusal(404, "Not found")
