"""One killmail, added by its link: read from ESI, and stored if it concerns whoever added it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

import orjson

from api.caller import viewer_of
from api.orders.requests import AWAY, PATIENCE_SECONDS, REDIS_AWAY, Refusal
from api.orders.webhooks import ring_webhooks
from api.services import Services
from contracts.call_classes import CallClass
from db.accounts.sessions import Caller
from db.intake.receive import Bringer, receive_killmails
from db.intake.references import HashFrom, KnownHash, add_references, hash_of
from db.killmails.rows import may_see
from eve.errors import (
    BadRequest,
    Downtime,
    EveError,
    InvalidHash,
    NotFound,
    RateLimited,
    RedisUnreachable,
    ZkillboardLimited,
)
from eve.killmail import KillmailRef
from eve.killmail_links import parse_killmail_link
from redis_client import REDIS_IS_AWAY
from temporal.connection import TEMPORAL_IS_AWAY
from temporal.universe import name_killmail

log = logging.getLogger(__name__)

LINKS_PER_WINDOW, WINDOW_SECONDS = 20, 600
"""Links an account may try: each costs the whole installation a call to ESI, and may cost one to zKillboard."""
ZKILLBOARD_PATIENCE_SECONDS = 8.0
NAMED_AFTER = timedelta(seconds=2)
"""Longer than storing takes."""

NOT_A_LINK = Refusal(
    "NOT_A_KILLMAIL_LINK",
    "This is not a link to a killmail that can be read; it should look like https://zkillboard.com/kill/123456789/,"
    " or like https://esi.evetech.net/killmails/123456789/… or killReport:123456789:… with the killmail's hash.",
)
NOT_YOURS = Refusal(
    "NOT_YOUR_KILLMAIL",
    "This killmail involves none of your characters and no corporation whose board you can see; it was not added.",
)
UNKNOWN = Refusal("UNKNOWN_KILLMAIL", "zKillboard does not have this killmail; use its ESI link instead.")
WRONG_HASH = Refusal("WRONG_HASH", "EVE has no killmail with this id and hash; copy the whole link again.")
TOO_MANY = Refusal("RATE_LIMITED", "You added a lot of killmails just now; try again in ten minutes.")
ZKILLBOARD_BUSY = Refusal(
    "ZKILLBOARD_BUSY", "zKillboard is busy with another of our requests; try again in a minute, or use the ESI link."
)
ZKILLBOARD_AWAY = Refusal(
    "ZKILLBOARD_UNAVAILABLE", "zKillboard is having problems; try again later, or use the ESI link."
)
EVE_AWAY = Refusal("EVE_UNAVAILABLE", "EVE is having problems; try again in a minute.")


@dataclass(frozen=True, slots=True)
class Added:
    """The killmail is stored, and the caller may see it. `was_here`: it had been stored before."""

    killmail_id: int
    was_here: bool


async def add_killmail(services: Services, caller: Caller, link: str) -> Added | Refusal:
    """Read, check and store the killmail behind a link. Nothing is stored when it is refused."""
    settings = services.settings
    parsed = parse_killmail_link(link, settings.esi_base_url, settings.zkillboard_url)
    if parsed is None:
        return NOT_A_LINK
    try:
        if not await _may_try(services, caller):
            return TOO_MANY
    except REDIS_IS_AWAY as error:
        log.warning("nobody's links can be counted, so none is followed: %s", error)
        return REDIS_AWAY
    killmail_id = parsed.killmail_id if isinstance(parsed, KillmailRef) else parsed
    viewer = viewer_of(services, caller)
    known = await hash_of(services.pool, killmail_id)
    if isinstance(parsed, KillmailRef) and _contradicts(parsed, known):
        return WRONG_HASH
    if await may_see(services.pool, viewer, killmail_id):
        return Added(killmail_id, was_here=True)
    ref = parsed if isinstance(parsed, KillmailRef) else await _reference(services, killmail_id, known)
    if isinstance(ref, Refusal):
        return ref
    body = await _body(services, ref)
    if isinstance(body, Refusal):
        return body
    if (seen_by := _concerned(body, caller)) is None:
        return await _not_theirs(services, parsed, known)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await name_killmail(services.temporal, killmail_id, NAMED_AFTER)
    except TEMPORAL_IS_AWAY as error:
        log.warning("killmail %d is not added, for it could not be named: %s", killmail_id, error or "no answer")
        return AWAY
    await _store(services, ref, body, seen_by)
    return Added(killmail_id, was_here=False) if await may_see(services.pool, viewer, killmail_id) else EVE_AWAY


async def _not_theirs(services: Services, parsed: KillmailRef | int, known: KnownHash | None) -> Refusal:
    """Without the hash the answer is zKillboard's: it must not tell that somebody here has what is not public."""
    if isinstance(parsed, KillmailRef) or known is None or known.hash_from is not HashFrom.ESI:
        return NOT_YOURS
    public = await _reference(services, parsed)
    return public if isinstance(public, Refusal) else NOT_YOURS


async def _may_try(services: Services, caller: Caller) -> bool:
    key = f"killreport:added-killmails:{caller.account_id}"
    async with services.redis.pipeline(transaction=True) as pipeline:
        pipeline.incr(key)
        pipeline.expire(key, WINDOW_SECONDS, nx=True)
        tried, _ = await pipeline.execute()
    return bool(tried <= LINKS_PER_WINDOW)


def _contradicts(pasted: KillmailRef, known: KnownHash | None) -> bool:
    """Only ESI's own word says that a pasted hash is wrong; otherwise ESI is asked."""
    return known is not None and known.hash_from is HashFrom.ESI and pasted.killmail_hash != known.killmail_hash.lower()


async def _reference(services: Services, killmail_id: int, known: KnownHash | None = None) -> KillmailRef | Refusal:
    """Of a killmail of which the caller named the id alone: the hash that we know, or else zKillboard's."""
    if known is not None and known.hash_from is HashFrom.ESI:
        return KillmailRef(killmail_id, known.killmail_hash)
    try:
        return (await services.zkillboard.killmail(killmail_id, ZKILLBOARD_PATIENCE_SECONDS)).ref
    except NotFound:
        return UNKNOWN
    except ZkillboardLimited:
        return ZKILLBOARD_BUSY
    except RedisUnreachable as error:
        log.warning("zKillboard could not be asked for killmail %d: %s", killmail_id, error)
        return REDIS_AWAY
    except EveError as error:
        log.warning("zKillboard could not be asked for killmail %d: %s", killmail_id, error)
        return ZKILLBOARD_AWAY


async def _body(services: Services, ref: KillmailRef) -> bytes | Refusal:
    try:
        return await services.esi.killmail(ref, CallClass.LIVE)
    except (InvalidHash, NotFound, BadRequest):
        return WRONG_HASH
    except (RateLimited, Downtime) as error:
        return Refusal("EVE_UNAVAILABLE", str(error))
    except RedisUnreachable as error:
        log.warning("ESI could not be asked for killmail %d: %s", ref.killmail_id, error)
        return REDIS_AWAY
    except EveError as error:
        log.warning("ESI could not be asked for killmail %d: %s", ref.killmail_id, error)
        return EVE_AWAY


def _concerned(body: bytes, caller: Caller) -> int | None:
    """The caller's character on a killmail; any of them where only a corporation of theirs is; None: neither."""
    killmail = orjson.loads(body)
    people = (killmail["victim"], *killmail["attackers"])
    mine = {one.get("character_id") for one in people} & set(caller.character_ids)
    if mine:
        return int(min(mine))
    boards = {one.get("corporation_id") for one in people} & set(caller.corporation_ids)
    return caller.character_ids[0] if boards else None


async def _store(services: Services, ref: KillmailRef, body: bytes, seen_by: int) -> None:
    async with services.pool.acquire() as connection:
        # ESI gave a body for it: the hash is ESI's own word now.
        await add_references(connection, seen_by, [(ref.killmail_id, ref.killmail_hash)], HashFrom.ESI)
    received = await receive_killmails(
        services.pool, services.live, [body], killmail_ids=[ref.killmail_id], by=Bringer.LINK
    )
    await ring_webhooks(services, received.news)
    for refused in received.refused:
        log.error("killmail %d cannot be stored: %s", ref.killmail_id, refused.reason)
