"""Afterwards: what is stored, named, sent and held, against what the sandbox EVE knows. Each finding is a sentence."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import temporalio.client
from cryptography.fernet import Fernet, InvalidToken

from sandbox.chaos.pilots import Person, Subscriber
from sandbox.eve.killmails import ListKind
from sandbox.eve.options import options_from
from sandbox.eve.world import World

FIRST_FEW = 3
WORKFLOWS = "ExecutionStatus = 'Running' AND WorkflowType IN ('UserSync', 'CorporationSync')"
IN_TROUBLE = "TemporalReportedProblems IN ('category=WorkflowTaskFailed')"


@dataclass
class Truth:
    """What EVE knows of these people."""

    world: World
    people: Sequence[Person]
    corporations: Sequence[int]
    listed: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, state: Path, variables: Mapping[str, str], people: Sequence[Person], corporations: int) -> Truth:
        """From a copy of the journal: the same universe once more, as it is now."""
        copy = state.with_name("eve-copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(state, copy)
        world = World(options_from({**variables, "SANDBOX_STATE_DIRECTORY": str(copy)}))
        followed = sorted({person.corporation_id for person in people[:corporations]})
        truth = cls(world, people, followed)
        now = world.clock.now()
        whose = [(ListKind.CHARACTER, person.character_id) for person in people]
        whose += [(ListKind.CORPORATION, corporation_id) for corporation_id in followed]
        for kind, entity_id in whose:
            truth.listed |= {reference.killmail_id for reference in world.killmails.listed(kind, entity_id, now)}
        return truth

    async def stored(self, database: asyncpg.Connection) -> list[str]:
        """Each listed killmail is stored, exactly once, whole and with its own body; nothing else is."""
        rows = await database.fetch(
            "SELECT killmail_id, body FROM killmails LEFT JOIN killmail_bodies USING (killmail_id)"
        )
        bodies = {row["killmail_id"]: row["body"] for row in rows}
        known = {killmail_id: killmail for killmail_id in bodies if (killmail := self.world.killmails.get(killmail_id))}
        other = [one for one, killmail in known.items() if orjson.loads(bodies[one] or "null") != killmail.parsed()]
        torn = await database.fetch(
            "SELECT killmail_id FROM killmails k WHERE attacker_count + 1 <>"
            " (SELECT count(*) FROM participants p WHERE p.killmail_id = k.killmail_id)"
        )
        pending = await database.fetch("SELECT killmail_id FROM killmail_refs WHERE stored_at IS NULL")
        silent = await database.fetch(
            "SELECT killmail_id FROM killmails k WHERE NOT EXISTS"
            " (SELECT FROM killmail_arrivals a WHERE a.killmail_id = k.killmail_id)"
        )
        return [
            *_some(self.listed - bodies.keys(), "killmails that EVE lists are not stored"),
            *_some(bodies.keys() - self.listed, "killmails are stored that EVE lists to nobody here"),
            *_some(other, "bodies differ from EVE's"),
            *_some([row["killmail_id"] for row in torn], "killmails are stored without all their participants"),
            *_some([row["killmail_id"] for row in pending], "references wait for their body"),
            *_some([row["killmail_id"] for row in silent], "stored killmails have not arrived anywhere"),
        ]

    async def named(self, database: asyncpg.Connection) -> list[str]:
        """Everybody and everything on these killmails has EVE's own name."""
        wanted = {one for killmail_id in self.listed for one in _entities(self._body(killmail_id))}
        rows = await database.fetch("SELECT entity_id, name FROM entities")
        names = {row["entity_id"]: row["name"] for row in rows}
        wrong = [one for one in wanted if (named := self.world.universe.named(one)) and names.get(one) != named[1]]
        return _some(wrong, "entities have no name, or a wrong one")

    async def synced(self, database: asyncpg.Connection, interval_seconds: int) -> list[str]:
        """Every sync is well, and has looked lately; no grant that SSO honours was given up."""
        lately = datetime.now(UTC) - timedelta(seconds=3 * interval_seconds)
        users = await database.fetch("SELECT * FROM users")
        followed = await database.fetch("SELECT * FROM corporations_followed")
        states = Counter(row["sync_state"] for row in (*users, *followed) if row["sync_state"] != "ok")
        late = [row for row in (*users, *followed) if (row["last_killmail_sync_at"] or lately) < lately]
        grants = Counter(row["token_state"] for row in users)
        grants.pop("valid", None)
        return [
            *([f"{len(self.people) - len(users)} pilots are gone"] if len(users) != len(self.people) else []),
            *[f"{count} syncs are {state}" for state, count in sorted(states.items())],
            *([f"{len(late)} syncs have not looked for three intervals"] if late else []),
            *[f"{count} grants are {state}" for state, count in sorted(grants.items())],
        ]

    def held(self, tokens: Mapping[int, bytes | None], keys: str) -> list[str]:
        """SSO honours the refresh token that we held of every pilot whose grant SSO still has.

        Args:
            tokens: read before the journal was copied: SSO knew each of them by then.
        """
        key, lost = Fernet(keys), []
        granted = set(self.world.grants.granted())
        for character_id, ciphertext in tokens.items():
            try:
                token = key.decrypt(ciphertext or b"").decode()
            except InvalidToken:
                token = ""
            if self.world.grants.find(token) is None and character_id in granted:
                lost.append(character_id)
        return _some(lost, "grants that SSO still has are lost to us")

    async def workflows(self, client: temporalio.client.Client) -> list[str]:
        """One running workflow for each pilot and corporation, none of them wedged."""
        wanted = {f"user-sync-{person.character_id}" for person in self.people}
        wanted |= {f"corporation-sync-{corporation_id}" for corporation_id in self.corporations}
        running = [one.id async for one in client.list_workflows(WORKFLOWS)]
        wedged = [one.id async for one in client.list_workflows(IN_TROUBLE)]
        return [
            *([f"{len(wanted - set(running))} workflows do not run"] if wanted - set(running) else []),
            *([f"{len(wedged)} workflows are wedged: {', '.join(wedged[:FIRST_FEW])}"] if wedged else []),
        ]

    async def told(self, database: asyncpg.Connection, subscribers: Iterable[Subscriber]) -> list[str]:
        """Every subscriber has got each of their killmails that arrived, exactly once."""
        findings = []
        for subscriber in subscribers:
            rows = await database.fetch(
                "SELECT DISTINCT a.killmail_id FROM killmail_arrivals a JOIN participants p USING (killmail_id)"
                " WHERE a.arrival > $1 AND NOT a.silent AND p.character_id = $2",
                subscriber.since,
                subscriber.person.character_id,
            )
            due, got = {row["killmail_id"] for row in rows}, Counter(subscriber.received)
            who = subscriber.person.character_id
            findings += _some(due - got.keys(), f"killmails never came to the subscriber {who}")
            findings += _some(got.keys() - due, f"killmails came to the subscriber {who}, who is not on them")
            findings += _some([one for one, times in got.items() if times > 1], f"killmails came twice to {who}")
        return findings

    def _body(self, killmail_id: int) -> dict[str, Any]:
        killmail = self.world.killmails.get(killmail_id)
        return killmail.parsed() if killmail else {}


def _entities(body: Mapping[str, Any]) -> Iterable[int]:
    for side in (body["victim"], *body["attackers"]):
        for name in ("character_id", "corporation_id", "alliance_id", "ship_type_id", "weapon_type_id"):
            if side.get(name):
                yield side[name]


def _some(killmails: Iterable[int], what: str) -> list[str]:
    found = sorted(killmails)
    return [f"{len(found)} {what}: {', '.join(map(str, found[:FIRST_FEW]))}"] if found else []
