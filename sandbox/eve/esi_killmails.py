"""ESI's killmail routes: both lists, and bodies by id and hash."""

from __future__ import annotations

from sandbox.eve.answers import Answer, etag_of, refusal
from sandbox.eve.budgets import Limit
from sandbox.eve.killmails import ListKind
from sandbox.eve.routing import Asked, Route

KILLMAIL_SCOPE = "esi-killmails.read_killmails.v1"
CORPORATION_KILLMAIL_SCOPE = "esi-killmails.read_corporation_killmails.v1"
BODY_CACHE_SECONDS = 30 * 86_400
BODY_LIMIT = Limit("killmail", 3_600)


def character_list(asked: Asked) -> Answer:
    """A character's own list; newest first, 90 days back."""
    character_id = asked.number("character_id")
    if asked.caller.require(KILLMAIL_SCOPE) != character_id:
        raise refusal(403, "Token is not valid for this character")
    return asked.world.lists.page(ListKind.CHARACTER, character_id, asked.page)


def corporation_list(asked: Asked) -> Answer:
    """A corporation's list, for its directors."""
    corporation_id = asked.number("corporation_id")
    pilot = asked.world.roster.get(asked.caller.require(CORPORATION_KILLMAIL_SCOPE))
    if pilot is None or pilot.corporation_id != corporation_id:
        raise refusal(403, "Character is not in the corporation")
    if not pilot.director:
        raise refusal(403, "Character does not have required role(s)")
    return asked.world.lists.page(ListKind.CORPORATION, corporation_id, asked.page)


def body(asked: Asked) -> Answer:
    """One killmail, to whoever knows its hash."""
    killmail = asked.world.killmails.get(asked.number("killmail_id"))
    if killmail is None or killmail.killmail_hash != asked.request.match_info["killmail_hash"]:
        raise refusal(422, "Invalid killmail_id and/or killmail_hash")
    raw = killmail.body()
    return Answer(raw, killmail.time, asked.now + BODY_CACHE_SECONDS, etag=etag_of(raw))


ROUTES = (
    Route(
        "GET",
        "/characters/{character_id}/killmails/recent",
        character_list,
        Limit("char-killmail", 30),
        authenticated=True,
    ),
    Route(
        "GET",
        "/corporations/{corporation_id}/killmails/recent",
        corporation_list,
        Limit("corp-killmail", 30),
        authenticated=True,
    ),
    Route("GET", "/killmails/{killmail_id}/{killmail_hash}", body, BODY_LIMIT),
)
