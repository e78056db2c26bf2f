"""zKillboard's API: which killmails it has of a character, each with its hash and, since 2026, its body.

Its rules (zKillboard's wiki, "API (Killmails)", and its source, `classes/Util.php`, August 2026): paths of filters
that end with a slash, no query string; pages 1 to 100 of 200 killmails, newest first; killmails younger than five
minutes are left out; refusals come as HTTP 200 with `{"error": …}`; whoever errs too often is redirected to
`blocked.json`; "reinforced mode" under load is a 503. From 2018 to 2026 a killmail was its id and the `zkb` block
alone; both shapes are read.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
from prometheus_client import Counter

from eve.answer import Answer, exchange
from eve.decoding import SomeId, entries
from eve.errors import (
    BadRequest,
    EveError,
    Forbidden,
    MalformedBody,
    NotFound,
    Unavailable,
    ZkillboardLimited,
    ZkillboardRefused,
)
from eve.killmail import Hash, KillmailRef, validate_killmail
from eve.responses import error_text, is_error_document, is_html, retry_after, status_failure
from eve.zkillboard.turns import PATIENCE_SECONDS, Turn, Turns

MAX_PAGE_BYTES = 64 * 1024 * 1024
"""200 killmails of large battles, unpacked."""
BLOCKED_SECONDS = 300.0
"""More than 40 errors within five minutes are answered with a redirect; it ends when the five minutes do."""
LIMITED_SECONDS = 60.0
"""After a 429 that does not say how long."""
FORBIDDEN_SECONDS = 60.0
OVERLOADED_SECONDS = 5.0

ANSWERS = Counter("killreport_zkillboard_answers", "Answers of zKillboard by status.", ["status"])


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of EVE time (UTC)."""

    year: int
    month: int


class _Block(msgspec.Struct, frozen=True):
    hash: Hash


class _Entry(msgspec.Struct, frozen=True):
    killmail_id: SomeId
    zkb: _Block


@dataclass(frozen=True, slots=True)
class ZkillboardKillmail:
    """A killmail as zKillboard lists it. `body`: as ESI gives it, checked; None where it is not complete."""

    ref: KillmailRef
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ZkillboardPage:
    """A page of the list; an empty one is beyond its end.

    `unusable`: entries without an id or a true hash (a placeholder stands in for some old ones).
    """

    killmails: tuple[ZkillboardKillmail, ...]
    unusable: int = 0

    @property
    def length(self) -> int:
        """How many entries zKillboard sent."""
        return len(self.killmails) + self.unusable


class Zkillboard:
    """The client; one per process, safe to use from many tasks.

    Every call may raise `ZkillboardLimited` (not our turn, or zKillboard limits us), `ZkillboardRefused`,
    `Forbidden` (403: the User-Agent or the address is not welcome), `Unavailable`, `BadRequest`, `MalformedBody`.
    """

    def __init__(self, session: aiohttp.ClientSession, turns: Turns, base_url: str) -> None:
        self._session = session
        self._turns = turns
        self._base_url = base_url.rstrip("/")

    async def character_killmails(self, character_id: int, page: int, month: Month | None = None) -> ZkillboardPage:
        """A page (1 to 100) of the killmails a character is on, as victim or attacker; of one month or of all.

        Newest first. Pages shift back while new killmails come in: a killmail may be seen twice, none is missed.
        """
        dated = f"year/{month.year}/month/{month.month}/" if month is not None else ""
        body = await self._ask(f"characterID/{character_id}/{dated}page/{page}/", PATIENCE_SECONDS)
        # Two hundred bodies of large battles: not where everything else waits.
        return await asyncio.to_thread(_page, body)

    async def killmail(self, killmail_id: int, patience_seconds: float = PATIENCE_SECONDS) -> ZkillboardKillmail:
        """One killmail by its id.

        Raises:
            NotFound: zKillboard does not have it, or not its hash.
        """
        page = await asyncio.to_thread(_page, await self._ask(f"killID/{killmail_id}/", patience_seconds))
        found = next((one for one in page.killmails if one.ref.killmail_id == killmail_id), None)
        if found is None:
            raise NotFound(f"zKillboard does not have killmail {killmail_id}.")
        return found

    async def _ask(self, path: str, patience_seconds: float) -> bytes:
        async with self._turns.turn(patience_seconds) as turn:
            answer = await exchange(
                self._session,
                "GET",
                f"{self._base_url}/api/{path}",
                service="zKillboard",
                headers={"Accept-Encoding": "gzip"},
                max_bytes=MAX_PAGE_BYTES,
            )
            ANSWERS.labels(str(answer.status)).inc()
            if answer.status != 200:
                raise _failure(answer, turn, datetime.now(UTC))
        if is_error_document(answer.body):
            raise ZkillboardRefused(f"zKillboard says: {error_text(answer.body) or 'error'}")
        return answer.body


def _failure(answer: Answer, turn: Turn, now: datetime) -> EveError:
    """What an answer other than 200 means; `turn` learns how long everybody must stay away."""
    status = answer.status
    if status == 429:
        turn.pause_seconds = retry_after(answer, now) or LIMITED_SECONDS
        return ZkillboardLimited(now + timedelta(seconds=turn.pause_seconds))
    if 300 <= status < 400:
        if "blocked" not in answer.headers.get("Location", "blocked"):
            return BadRequest(f"zKillboard redirects ({status}); does ZKILLBOARD_URL point at it?")
        turn.pause_seconds = BLOCKED_SECONDS
        return ZkillboardLimited(now + timedelta(seconds=turn.pause_seconds))
    failure = status_failure(status, "zKillboard")
    if isinstance(failure, Unavailable):
        turn.pause_seconds = retry_after(answer, now) or OVERLOADED_SECONDS
    elif isinstance(failure, Forbidden):
        turn.pause_seconds = FORBIDDEN_SECONDS
    elif is_html(answer):
        return Unavailable(f"Something before zKillboard answered {status} with a web page.")
    return failure


def _page(body: bytes) -> ZkillboardPage:
    listed = entries(body, msgspec.Raw, "zKillboard").good
    read = [_killmail(bytes(entry)) for entry in listed]
    found = {one.ref.killmail_id: one for one in read if one is not None}
    return ZkillboardPage(tuple(found.values()), sum(one is None for one in read))


def _killmail(entry: bytes) -> ZkillboardKillmail | None:
    """None: no id or no hash that could be one, so that ESI could never be asked for it."""
    try:
        told = msgspec.json.decode(entry, type=_Entry)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    ref = KillmailRef(told.killmail_id, told.zkb.hash.lower())
    return ZkillboardKillmail(ref, _body(entry, ref.killmail_id))


def _body(entry: bytes, killmail_id: int) -> bytes | None:
    """What ESI would have sent, if it is all there: zKillboard adds its own block to the body."""
    try:
        members = msgspec.json.decode(entry, type=dict[str, msgspec.Raw])
        members.pop("zkb", None)
        raw = msgspec.json.encode(members)  # each member as it came: no number is read and written anew
        validate_killmail(raw, killmail_id, "zKillboard")
    except (MalformedBody, Unavailable, UnicodeDecodeError):
        return None
    return raw
