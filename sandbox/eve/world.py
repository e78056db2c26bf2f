"""All that one sandbox EVE knows, put together from its options."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson

from sandbox.eve.battles import Battles, history
from sandbox.eve.budgets import Budgets
from sandbox.eve.clock import Clock
from sandbox.eve.faults import Faults
from sandbox.eve.fleet_fights import FleetFight
from sandbox.eve.grants import Grants
from sandbox.eve.journal import Journal
from sandbox.eve.killmail_lists import KillmailLists
from sandbox.eve.killmails import Killmail, Killmails, Reference
from sandbox.eve.options import SandboxOptions
from sandbox.eve.people import Character, people
from sandbox.eve.real_killmails import real_killmails
from sandbox.eve.requests import RequestLog
from sandbox.eve.roster import Roster
from sandbox.eve.signing import SigningKeys
from sandbox.eve.universe import universe

HISTORY_SECONDS = 80 * 86_400
OLDER_KILLMAILS = 90
NEWCOMER, VETERAN = 5, 6
"""Positions among the pilots: one without a listed killmail, one with more than a page of them."""
VETERAN_KILLMAILS = 1_150


class World:
    """The sandbox's state. Times are unix seconds of its own clock."""

    def __init__(self, options: SandboxOptions) -> None:
        self.options = options
        self.url = ""
        self.killmails_per_hour = options.killmails_per_hour
        self.clock = Clock()
        self.journal = Journal(options.state_directory)
        self.clock.offset_seconds = sum(event["seconds"] for event in self.journal.past("advanced"))
        self.founded = self._founding()
        directory = options.killmails_directory
        static_data = directory.parent / "static-data-slice.json" if directory else None
        self.universe = universe(people(options.seed, options.pilots, options.strangers), static_data)
        self.roster = Roster(self.universe, self.journal, options.seed)
        self.killmails = Killmails()
        self._take_in_real_killmails(directory)
        self.roster.replay()
        self.battles = Battles(options.seed, self.universe.people)
        self._take_in_history()
        self.lists = KillmailLists(self.killmails, self.clock, options.list_cache_seconds, self.make_killmails)
        self.keys = SigningKeys(options.state_directory)
        self.grants = Grants(
            self.clock,
            self.journal,
            self.roster,
            self.keys,
            options.access_token_seconds,
            options.strict_rotation,
        )
        self.budgets = Budgets(self.clock, options.window_seconds)
        self.faults = Faults(options.seed)
        self.archived: dict[date, bytes] = {}
        """Files of the archive that are not as this universe would make them."""
        self.streamed: dict[int, object] = {}
        """Objects of zKillboard's stream that are not as they should be, by number: bytes as they are, None: a gap."""
        self.market_days: dict[date, bytes] = {}
        """The same of the market archive."""
        self.static_builds: dict[str, bytes] = {}
        """Files of the static data export, by path."""
        self.fittings: dict[int, list[dict[str, Any]]] = {}
        """Saved in the game, by character."""
        self.requests = RequestLog()
        self.cached_until: dict[tuple[str, int | None], float] = {}
        """What a gateway in front of EVE would still answer while EVE is down, by path and character."""

    def advance(self, seconds: float) -> None:
        """Move the clock forward, for ever."""
        self.journal.write("advanced", seconds=seconds)
        self.clock.advance(seconds)

    def make_killmail(
        self, character_id: int, role: str = "victim", time: float | None = None, other_id: int | None = None
    ) -> Killmail:
        """A new killmail with this pilot as "victim" or "final_blow"; `other_id` has the other role.

        Raises:
            KeyError: there is no such character.
            ValueError: there is no such role.
        """
        if role not in ("victim", "final_blow"):
            raise ValueError(f"role must be victim or final_blow, not {role}")
        pilot, other = self._now(character_id), self._now(other_id) if other_id else None
        killmail_id = max(self.killmails.newest_id, 138_100_000) + 1 + character_id % 7
        dice = random.Random(f"{self.options.seed} made {killmail_id}")
        moment = self.clock.now() if time is None else time
        plan = self.battles.plan(dice, killmail_id, moment, pilot, role, other)
        while other and (plan.victim is None or plan.last is None):
            plan = self.battles.plan(dice, killmail_id, moment, pilot, role, other)
        killmail = self.battles.killmail(plan)
        self._write_down(killmail)
        return killmail

    def fight(
        self, seed: int, losses: int, commander_ids: Sequence[int] = (), ago: float = 3_600
    ) -> tuple[list[Killmail], dict[int, str]]:
        """A battle of two fleets with so many losses, `ago` seconds ago, and whose side each pilot was on.

        Raises:
            KeyError: there is no such commander.
        """
        commanders = [self._now(one) for one in commander_ids]
        battle = FleetFight(random.Random(f"fight {seed}"), self.universe.people, commanders)
        first = max(self.killmails.newest_id, 138_100_000) + 1
        bodies = [*battle.bodies(range(first, first + losses), self.clock.now() - ago)]
        killmails = [_of_body(body) for body in bodies]
        for killmail in killmails:
            self._write_down(killmail)
        return killmails, battle.sides

    def _write_down(self, killmail: Killmail) -> None:
        self.journal.write(
            "killmail",
            id=killmail.killmail_id,
            hash=killmail.killmail_hash,
            time=killmail.time,
            victim=killmail.victim,
            last=killmail.last,
            body=killmail.parsed(),
        )
        self.killmails.add(killmail)

    def make_killmails(self, character_id: int, count: int, role: str = "victim") -> list[Reference]:
        """So many new ones; their references, oldest first."""
        return [self.make_killmail(character_id, role).reference for _ in range(count)]

    def take_in(self, killmail: Killmail, body: Mapping[str, Any]) -> None:
        """Know a killmail that was not made here; those who are shown it become pilots."""
        self.universe.welcome(body)
        self.killmails.add(killmail)
        listed = (killmail.victim[0], killmail.last[0])
        self.roster.enrol(self.universe.characters[one] for one in listed if one is not None)

    def _now(self, character_id: int) -> Character:
        return self.universe.characters[character_id]

    def _founding(self) -> float:
        for event in self.journal.past("founded"):
            if event["seed"] == self.options.seed and event["first"] == self.options.first_killmails:
                return float(event["at"])
        # A little ago, so that a killmail of the first second is newer than all history.
        at = self.clock.now() - 600
        self.journal.write("founded", at=at, seed=self.options.seed, first=self.options.first_killmails)
        return at

    def _take_in_real_killmails(self, directory: Path | None) -> None:
        for killmail, body in real_killmails(directory) if directory else ():
            self.take_in(killmail, body)

    def _take_in_history(self) -> None:
        dice = random.Random(f"{self.options.seed} counts")
        counts = [self.options.first_killmails, *(dice.randint(8, 60) for _ in range(self.options.pilots - 1))]
        counts[NEWCOMER], counts[VETERAN] = 0, VETERAN_KILLMAILS
        made = (
            history(self.battles, counts, self.founded, HISTORY_SECONDS, OLDER_KILLMAILS)
            if self.options.history
            else ()
        )
        for killmail in made:
            self.killmails.add(killmail)
        for event in self.journal.past("killmail"):
            self.killmails.add(_from_journal(event))


def _from_journal(event: Mapping[str, Any]) -> Killmail:
    body = event["body"]
    return Killmail(
        event["id"],
        event["hash"],
        event["time"],
        tuple(event["victim"]),
        tuple(event["last"]),
        lambda: body,
        raw=orjson.dumps(body),
    )


def _of_body(body: Mapping[str, Any]) -> Killmail:
    last = next(attacker for attacker in body["attackers"] if attacker["final_blow"])
    victim = body["victim"]
    digest = hashlib.sha1(f"fight {body['killmail_id']}".encode(), usedforsecurity=False).hexdigest()
    return Killmail(
        body["killmail_id"],
        digest,
        datetime.fromisoformat(body["killmail_time"]).timestamp(),
        (victim["character_id"], victim["corporation_id"]),
        (last["character_id"], last["corporation_id"]),
        lambda: dict(body),
    )
