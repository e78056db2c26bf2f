"""ESI's killmail routes: both lists, and bodies by id and hash; and where a lost ship's fitting is saved."""

from __future__ import annotations

import orjson

from sandbox.eve.answers import Answer, etag_of, refusal
from sandbox.eve.budgets import Limit
from sandbox.eve.killmails import ListKind
from sandbox.eve.routing import Asked, Route

KILLMAIL_SCOPE = "esi-killmails.read_killmails.v1"
CORPORATION_KILLMAIL_SCOPE = "esi-killmails.read_corporation_killmails.v1"
FITTINGS_SCOPE = "esi-fittings.write_fittings.v1"
MOST_FITTINGS = 500
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


def save_fitting(asked: Asked) -> Answer:
    """A fitting of a character's own, as the game keeps them: 500 at most."""
    character_id = asked.number("character_id")
    if asked.caller.require(FITTINGS_SCOPE) != character_id:
        raise refusal(403, "Token is not valid for this character")
    try:
        fitting = orjson.loads(asked.payload)
    except orjson.JSONDecodeError:
        raise refusal(400, "request body must be JSON") from None
    if not (fitting.get("items") and fitting.get("name") and type(fitting.get("ship_type_id")) is int):
        raise refusal(400, "a fitting has a name, a ship and items")
    kept = asked.world.fittings.setdefault(character_id, [])
    if len(kept) >= MOST_FITTINGS:
        raise refusal(400, "FittingTooManySavedFittings")
    kept.append(fitting)
    return Answer(orjson.dumps({"fitting_id": len(kept)}), status=201)


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
    Route("POST", "/characters/{character_id}/fittings", save_fitting, Limit("fitting", 150), authenticated=True),
    Route("GET", "/killmails/{killmail_id}/{killmail_hash}", body, BODY_LIMIT),
)
