"""zKillboard's API: paths of filters, 200 a page, errors as HTTP 200 (its source, `classes/Util.php`)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web

from sandbox.eve.answers import JSON, Refusal
from sandbox.eve.killmails import Killmail
from sandbox.eve.world import World

PAGE_SIZE = 200
LAST_PAGE = 100
YOUNGEST_SECONDS = 300
"""Younger killmails are left out."""
ERRORS_ALLOWED, ERROR_SECONDS = 40, 300
"""Whoever errs more often within so long is redirected to `blocked.json`."""
Body = dict[str, Any]
Test = Callable[[Body], bool]

_ENTITIES = {
    "characterID": "character_id",
    "corporationID": "corporation_id",
    "allianceID": "alliance_id",
    "factionID": "faction_id",
    "shipTypeID": "ship_type_id",
}
_FLAGS = ("kills", "losses", "solo", "finalblow-only")
_NUMBERS = (*_ENTITIES, "systemID", "solarSystemID", "killID", "year", "month", "page", "pastSeconds", "npc")


class ZKillboard:
    """Its one route, `/api/…/`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._errors: deque[float] = deque()
        self._lists: dict[str, tuple[int, list[Killmail]]] = {}

    async def api(self, request: web.Request) -> web.Response:
        """Full bodies with their `zkb` block (or that alone), newest first."""
        if request.query_string or not request.headers.get("User-Agent"):
            raise Refusal(403, "Forbidden")
        path, now = request.match_info["path"], self._world.clock.now()
        while self._errors and self._errors[0] < now - ERROR_SECONDS:
            self._errors.popleft()
        if len(self._errors) > ERRORS_ALLOWED:
            raise Refusal(302, "", {"Location": "/api/blocked.json"})
        try:
            flags, numbers = _parsed(path)
        except ValueError as error:
            self._errors.append(now)
            return _answer({"error": str(error)})
        # Every body is read, the first time even drawn: off the loop, so that ESI goes on answering.
        answer = _answer(await asyncio.to_thread(self._shown, flags, numbers))
        answer.enable_compression()
        return answer

    def _shown(self, flags: set[str], numbers: dict[str, int]) -> list[Body]:
        page = numbers.pop("page", 1)
        shown = self._found(flags, numbers)[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        bodies = [(killmail, killmail.parsed()) for killmail in shown]
        if self._world.options.zkillboard_bodies:
            return [{**body, "zkb": _zkb(killmail, body)} for killmail, body in bodies]
        return [{"killmail_id": killmail.killmail_id, "zkb": _zkb(killmail, body)} for killmail, body in bodies]

    def _found(self, flags: set[str], numbers: dict[str, int]) -> list[Killmail]:
        """The whole list; found once, until there are other killmails old enough to be shown."""
        youngest = self._world.clock.now() - YOUNGEST_SECONDS
        old_enough = [killmail for killmail in self._world.killmails if killmail.time <= youngest]
        name = f"{sorted(flags)} {sorted(numbers.items())}"
        count, found = self._lists.get(name, (0, []))
        if count != len(old_enough) or "pastSeconds" in numbers:
            tests = self._tests(flags, numbers)
            found = [
                killmail for killmail in old_enough if (body := killmail.parsed()) and all(test(body) for test in tests)
            ]
            found.sort(key=lambda one: -one.killmail_id)
            self._lists[name] = (len(old_enough), found)
        return found

    def _tests(self, flags: set[str], numbers: dict[str, int]) -> list[Test]:
        tests: list[Test] = []
        for name, key in _ENTITIES.items():
            if name in numbers:
                tests.append(_on_side(key, numbers[name], flags))
        if system_id := numbers.get("systemID") or numbers.get("solarSystemID"):
            tests.append(lambda body: body["solar_system_id"] == system_id)
        if "killID" in numbers:
            tests.append(lambda body: body["killmail_id"] == numbers["killID"])
        if "solo" in flags:
            tests.append(_is_solo)
        if "npc" in numbers:
            tests.append(lambda body: _is_npc(body) == bool(numbers["npc"]))
        if "year" in numbers:
            tests.append(lambda body: int(body["killmail_time"][:4]) == numbers["year"])
        if "month" in numbers:
            tests.append(lambda body: int(body["killmail_time"][5:7]) == numbers["month"])
        if "pastSeconds" in numbers:
            since = self._world.clock.now() - numbers["pastSeconds"]
            tests.append(lambda body: datetime.fromisoformat(body["killmail_time"]).timestamp() >= since)
        return tests


def _parsed(path: str) -> tuple[set[str], dict[str, int]]:
    """Flags and numbers of a path. Raises ValueError with zKillboard's complaint."""
    if not path.endswith("/"):
        raise ValueError("URL must end with a /")
    flags: set[str] = set()
    numbers: dict[str, int] = {}
    parts = iter(path.rstrip("/").split("/"))
    for part in parts:
        if part in _FLAGS:
            flags.add(part)
        elif part in _NUMBERS:
            text = next(parts, "")
            if not text.isdecimal() or text != str(int(text)):
                raise ValueError(f"{part} must be an integer, not {text!r}")
            numbers[part] = int(text)
        else:
            raise ValueError(f"{part!r} is an invalid parameter")
    if not 1 <= numbers.get("page", 1) <= LAST_PAGE:
        raise ValueError(f"page must be between 1 and {LAST_PAGE}")
    if not set(numbers) - {"page", "npc", "year", "month"}:
        raise ValueError("Must pass at least one entity or a time span")
    return flags, numbers


def _on_side(key: str, wanted: int, flags: set[str]) -> Test:
    def test(body: Body) -> bool:
        lost = body["victim"].get(key) == wanted
        attackers = [one for one in body["attackers"] if one["final_blow"] or "finalblow-only" not in flags]
        killed = any(one.get(key) == wanted for one in attackers)
        return (lost and "kills" not in flags) or (killed and "losses" not in flags)

    return test


def _is_solo(body: Body) -> bool:
    return sum("character_id" in one for one in body["attackers"]) == 1 and len(body["attackers"]) == 1


def _is_npc(body: Body) -> bool:
    return not any("character_id" in one for one in body["attackers"])


def _zkb(killmail: Killmail, body: Body) -> Body:
    """Its values are its own pricing: here, made up from the damage."""
    total = round(10_000.0 + body["victim"]["damage_taken"] * 1_234.56, 2)
    return {
        "locationID": 40_009_082,
        "hash": killmail.zkillboard_hash or killmail.killmail_hash,
        "fittedValue": round(total * 0.8, 2),
        "droppedValue": round(total * 0.3, 2),
        "destroyedValue": round(total * 0.7, 2),
        "totalValue": total,
        "points": max(1, 20 - len(body["attackers"])),
        "npc": _is_npc(body),
        "solo": _is_solo(body),
        "awox": False,
        "labels": ["cat:6", "npc" if _is_npc(body) else "pvp"],
    }


def _answer(value: object) -> web.Response:
    return web.Response(body=orjson.dumps(value), headers={"Content-Type": JSON, "Cache-Control": "max-age=3600"})
