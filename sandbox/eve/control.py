"""The sandbox's own routes, `/_sandbox/…`: what tests and people at it ask of it and do to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from sandbox.eve.faults import Fault
from sandbox.eve.grants import OddToken
from sandbox.eve.killmail_lists import Shift
from sandbox.eve.killmails import ListKind
from sandbox.eve.world import World

PREFIX = "/_sandbox"


class Control:
    """Not part of EVE: no latency, no faults, no account of these requests."""

    def __init__(self, world: World) -> None:
        self._world = world

    def mount(self, app: web.Application) -> None:
        for method, path, handler in (
            ("GET", "/pilots", self.pilots),
            ("POST", "/pilots/{character_id}/odd-tokens", self.odd_tokens),
            ("POST", "/pilots/{character_id}/{change}", self.change_pilot),
            ("POST", "/killmails", self.make_killmails),
            ("GET", "/killmails/{killmail_id}", self.killmail),
            ("POST", "/fights", self.fight),
            ("GET", "/requests", self.requests),
            ("DELETE", "/requests", self.forget_requests),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.remove_faults),
            ("POST", "/clock", self.advance),
            ("POST", "/peace", self.make_peace),
            ("POST", "/rotation", self.set_rotation),
            ("POST", "/shift-pages", self.shift_pages),
            ("POST", "/expire-lists", self.expire_lists),
            ("POST", "/rotate-keys", self.rotate_keys),
            ("POST", "/forget-spending", self.forget_spending),
        ):
            app.router.add_route(method, PREFIX + path, _explained(handler))

    async def pilots(self, _: web.Request) -> Any:
        now, killmails = self._world.clock.now(), self._world.killmails
        return [
            {
                **asdict(pilot),
                "listed_killmails": len(killmails.listed(ListKind.CHARACTER, pilot.character_id, now)),
                "corporation_killmails": len(killmails.listed(ListKind.CORPORATION, pilot.corporation_id, now)),
            }
            for pilot in self._world.roster.pilots
        ]

    async def change_pilot(self, request: web.Request) -> Any:
        character_id, change = int(request.match_info["character_id"]), request.match_info["change"]
        changes: dict[str, Callable[[], None]] = {
            "revoke": lambda: self._world.grants.revoke_pilot(character_id),
            "transfer": lambda: self._world.roster.transfer(character_id),
            "lose-role": lambda: self._world.roster.set_director(character_id, False),
            "gain-role": lambda: self._world.roster.set_director(character_id, True),
        }
        changes[change]()
        pilot = self._world.roster.get(character_id)
        return asdict(pilot) if pilot else None

    async def odd_tokens(self, request: web.Request) -> Any:
        asked = await _json(request)
        odd = OddToken(asked.get("alg", "RS256"), asked.get("kid", ""), tuple(asked.get("drop", ())))
        self._world.grants.odd_tokens[int(request.match_info["character_id"])] = odd

    async def make_killmails(self, request: web.Request) -> Any:
        asked = await _json(request)
        made = [
            self._world.make_killmail(
                asked["character_id"], asked.get("role", "victim"), other_id=asked.get("other_id")
            )
            for _ in range(asked.get("count", 1))
        ]
        if asked.get("expire_lists", False):
            self._world.lists.expire()
        return [killmail.reference.as_json() for killmail in made]

    async def fight(self, request: web.Request) -> Any:
        """A battle of two fleets; the answer tells its killmails, and the truth: whose side each pilot was on."""
        asked = await _json(request)
        killmails, sides = self._world.fight(
            asked.get("seed", 1), asked.get("losses", 40), asked.get("commander_ids", ()), asked.get("ago", 3_600)
        )
        return {
            "killmails": [killmail.reference.as_json() for killmail in killmails],
            "sides": {str(character_id): side for character_id, side in sides.items()},
        }

    async def killmail(self, request: web.Request) -> Any:
        killmail = self._world.killmails.get(int(request.match_info["killmail_id"]))
        if killmail is None:
            raise KeyError(request.match_info["killmail_id"])
        return {**killmail.parsed(), "killmail_hash": killmail.killmail_hash}

    async def requests(self, request: web.Request) -> Any:
        """All of them, or those answered with one of the statuses `?status=` names."""
        wanted = {int(status) for status in request.query.getall("status", [])}
        records = self._world.requests.records
        return [record.as_json() for record in records if not wanted or record.status in wanted]

    async def forget_requests(self, _: web.Request) -> Any:
        self._world.requests.clear()

    async def faults(self, _: web.Request) -> Any:
        return [fault.as_json() for fault in self._world.faults.active]

    async def add_fault(self, request: web.Request) -> Any:
        return self._world.faults.add(Fault(**await _json(request))).as_json()

    async def remove_faults(self, request: web.Request) -> Any:
        self._world.faults.remove(request.query.get("route"))

    async def advance(self, request: web.Request) -> Any:
        self._world.advance(float((await _json(request))["advance_seconds"]))
        return {"now": self._world.clock.now()}

    async def make_peace(self, _: web.Request) -> Any:
        """The universe fights on no more by itself, until it is started again."""
        self._world.killmails_per_hour = 0

    async def set_rotation(self, request: web.Request) -> Any:
        """`strict`: whether a refresh token dies when it is used, from now on and until the next start."""
        self._world.grants.strict = bool((await _json(request))["strict"])

    async def shift_pages(self, request: web.Request) -> Any:
        shift = Shift(**await _json(request))
        self._world.lists.shifts.append(shift)
        return asdict(shift)

    async def expire_lists(self, _: web.Request) -> Any:
        self._world.lists.expire()

    async def rotate_keys(self, _: web.Request) -> Any:
        return {"kid": self._world.keys.rotate()}

    async def forget_spending(self, _: web.Request) -> Any:
        self._world.budgets.forget()


async def _json(request: web.Request) -> dict[str, Any]:
    body = await request.read()
    value: dict[str, Any] = orjson.loads(body) if body else {}
    return value


def _explained(handler: Callable[[web.Request], Awaitable[Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answer its value as JSON (nothing: 204), and say what was wrong with a request that it cannot serve."""

    async def handle(request: web.Request) -> web.Response:
        try:
            value = await handler(request)
        except KeyError as error:
            return web.json_response({"error": f"there is no {error.args[0]}"}, status=404)
        except (ValueError, TypeError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        if value is None:
            return web.Response(status=204)
        return web.Response(body=orjson.dumps(value), content_type="application/json")

    return handle
