"""Which faults happen, in which order and how long each lasts: all from a seed."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from db.accounts.refresh_leases import LEASE

SERVICES = ("Postgres", "Valkey", "Temporal", "EVE")
PROGRAMS = ("the worker", "the API")
LINKS = (*((program, service) for service in SERVICES for program in PROGRAMS), ("browsers", "the API"))
"""Who speaks to whom: the connections that can fail."""
BARE_LIMIT_SECONDS = 120.0
"""A 429 that says nothing stops its route for a minute, the second one within ten minutes for two."""
LINK_FAULTS = ("cut", "reset", "half-open", "freeze", "slow")
MIDDLE = " in the middle of a refresh"
KEEP_THE_ANSWER = ("Postgres", "Valkey")
"""What can die in the middle of a refresh without SSO's answer being lost on the way."""
ANSWERS_SECONDS, HANGS_SECONDS = 4.0, 25.0
"""How long after it has rotated SSO answers, in the middle of a refresh."""
REFRESH = "/v2/oauth/token"
CHARACTER_LIST = "/characters/{character_id}/killmails/recent"
CORPORATION_LIST = "/corporations/{corporation_id}/killmails/recent"
BODY = "/killmails/{killmail_id}/{killmail_hash}"
NAMES = "/universe/names"
EVE_FAULTS: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("latency", "*", {"seconds": 2}),
    ("status", CHARACTER_LIST, {"status": 500}),
    ("status", CHARACTER_LIST, {"status": 403, "body": {"error": "SSO responded with a 503: <!DOCTYPE html>"}}),
    ("status", CORPORATION_LIST, {"status": 502}),
    ("status", BODY, {"status": 500, "rate": 0.5}),
    ("status", NAMES, {"status": 404, "rate": 0.5}),
    ("status", REFRESH, {"status": 500}),
    ("html_502", "*", {"rate": 0.5}),
    ("error_limited", NAMES, {"seconds": 3, "count": 1}),
    ("rate_limited", BODY, {"seconds": 3, "count": 3}),
    ("rate_limited", CHARACTER_LIST, {"seconds": 3, "count": 3}),
    ("rate_limited_bare", CHARACTER_LIST, {"count": 1}),
    ("late", REFRESH, {"seconds": 20, "count": 10}),
    ("late", BODY, {"seconds": 5, "rate": 0.3}),
    ("truncated", BODY, {"rate": 0.5}),
    ("truncated", CHARACTER_LIST, {"rate": 0.5}),
    ("truncated", REFRESH, {"rate": 0.5}),
    ("reset", "*", {"rate": 0.3}),
    ("reset", REFRESH, {"rate": 0.5}),
    ("downtime", "*", {}),
)
"""A kind of `sandbox.eve.faults`, the route it is on, and how it is set."""


@dataclass(frozen=True)
class Kind:
    """A row of the table: what happens, and to what. `link` is the connection, `route` and `setting` are EVE's."""

    what: str
    target: str
    link: tuple[str, str] | None = None
    route: str = ""
    strict: bool = False
    """SSO kills a refresh token when it is used: its answer must not be lost. So nothing else happens meanwhile."""
    setting: str = "{}"
    """JSON, so that kinds can be told apart and counted."""

    @property
    def waits_seconds(self) -> float:
        """How long somebody may wait afterwards by a rule of ours, however often they are looked at."""
        if self.what == "EVE: rate_limited_bare":
            return BARE_LIMIT_SECONDS
        died, silent = self.what.startswith(("kill -9", "power cut")), self.what.startswith(("half-open", "power cut"))
        if (died and self.target == "the worker") or (silent and self.target == "EVE"):
            return LEASE.total_seconds()
        return 0.0

    @property
    def name(self) -> str:
        return f"{self.what}: {self.target}" if self.link is None else f"{self.what}: {self.link[0]} to {self.link[1]}"


@dataclass(frozen=True)
class Planned:
    """One fault of a wave: how long after its beginning it comes, and how long it lasts."""

    kind: Kind
    after_seconds: float
    seconds: float


def _kinds() -> Iterator[Kind]:
    for target in (*PROGRAMS, *SERVICES):
        yield Kind("kill -9", target)
        yield Kind("SIGSTOP", target)
        yield Kind("power cut", target)
    for target in ("Valkey", "Temporal"):
        yield Kind("restart empty", target)
    for what, link in itertools.product(LINK_FAULTS, LINKS):
        yield Kind(what, link[1], link)
    for what, target in itertools.product(("kill -9", "power cut"), ("the worker", "Postgres", "Valkey", "EVE")):
        strict = target in KEEP_THE_ANSWER
        yield Kind(f"{what}{MIDDLE}", target, strict=strict)
    for what, service in itertools.product(("cut", "reset", "half-open", "freeze"), ("Postgres", "EVE")):
        strict = service in KEEP_THE_ANSWER or what == "freeze"
        yield Kind(f"{what}{MIDDLE}", service, ("the worker", service), strict=strict)
    yield Kind(f"nothing{MIDDLE}, SSO answers after {HANGS_SECONDS:.0f} s", "EVE", strict=True)
    for what, route, setting in EVE_FAULTS:
        words = " ".join(str(value) for name, value in setting.items() if name == "status")
        where = "every route" if route == "*" else route
        yield Kind(f"EVE: {what} {words}".rstrip(), where, route=route, setting=json.dumps(setting))
    yield Kind("full disk", "Postgres")


WAVES = (1, 4, 6, 8, 10, 10)
"""How many faults a wave may have."""
LONG_WAVES = 0.15
KINDS = tuple(_kinds())
SHORT = tuple(
    kind
    for kind in KINDS
    if kind.name
    in {
        "kill -9: the worker",
        "kill -9: Postgres",
        "restart empty: Valkey",
        "reset: the worker to Postgres",
        "cut: the worker to Temporal",
        "half-open: browsers to the API",
        "freeze: the API to Postgres",
        "EVE: truncated: " + BODY,
    }
)
"""Those of the short form in the tests: each is over soon."""


def planned(seed: int, faults: int, kinds: Sequence[Kind], longest: float) -> list[list[Planned]]:
    """So many faults in waves. Those of a wave overlap; every kind comes about equally often.

    Args:
        longest: seconds that the faults of some waves may last. Most are over sooner.
    """
    dice = random.Random(f"{seed} chaos")
    waves: list[list[Planned]] = []
    deck: list[Kind] = []
    while faults > 0:
        size = min(faults, dice.choice(WAVES))
        if len(deck) < len(kinds) // 2:
            deck = dice.sample(kinds, len(kinds)) + deck
        if deck[-1].strict:
            wave = [deck[-1]]
        else:
            # Two hands on one thing would undo each other's work: what is next in the deck, of each target.
            drawn = {kind.target: kind for kind in deck if not kind.strict}
            wave = sorted(drawn.values(), key=deck.index, reverse=True)[:size]
        for kind in wave:
            deck.remove(kind)
        most = longest if dice.random() < LONG_WAVES else longest / 5
        waves.append([Planned(kind, dice.uniform(0, 3), round(dice.uniform(0.5, most), 1)) for kind in wave])
        faults -= len(wave)
    return waves
