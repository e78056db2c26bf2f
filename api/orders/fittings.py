"""A lost ship's fitting, saved in the game for one of the caller's characters.

It takes a permission of its own, which nothing else depends on: a character without it is asked for it by a login that
keeps what was granted before. Tokens are refreshed by workers alone, so one that has just run out is a login, too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from api.orders.requests import REDIS_AWAY, Refusal
from api.services import Services
from contracts.call_classes import CallClass
from db.accounts.sessions import Caller
from db.accounts.tokens import TokenState, load_token
from eve.errors import AccessTokenRejected, BadRequest, Downtime, EveError, Forbidden, RateLimited, RedisUnreachable
from eve.sso.scopes import FITTINGS_SCOPE

log = logging.getLogger(__name__)
MARGIN = timedelta(seconds=30)
"""An access token that ends sooner is not used."""
NOT_YOURS = Refusal("NOT_YOUR_CHARACTER", "This character is not in your account.")
NOT_TAKEN = Refusal("NOT_TAKEN", "EVE did not take the fitting. Perhaps this character has as many as EVE keeps.")
LIMITED = Refusal("LIMITED", "EVE takes no more fittings of this character for a few minutes. Try again then.")
DOWN = Refusal("DOWNTIME", "EVE is in its daily downtime. Try again when it is over.")
AWAY = Refusal("ESI_UNAVAILABLE", "EVE is not responding at the moment. Try again in a minute.")


class Saved(Enum):
    """What became of it, if it was not refused."""

    DONE = "done"
    LOGIN_FIRST = "login first"


async def save_fitting(
    services: Services, caller: Caller, character_id: int, fitting: Mapping[str, Any]
) -> Saved | Refusal:
    """Save it. `fitting`: a ship type, a name, a description and items, as ESI wants them."""
    if character_id not in caller.character_ids:
        return NOT_YOURS
    token = await load_token(services.pool, character_id)
    if (
        token is None
        or token.state is not TokenState.VALID
        or token.access_token is None
        or FITTINGS_SCOPE not in token.scopes
        or token.expires_at is None
        or token.expires_at < datetime.now(UTC) + MARGIN
    ):
        return Saved.LOGIN_FIRST
    access_token = services.vault.decrypt(token.access_token)
    try:
        await services.esi.save_fitting(character_id, access_token, fitting, CallClass.LIVE)
    except (AccessTokenRejected, Forbidden):
        return Saved.LOGIN_FIRST
    except BadRequest as error:
        log.warning("a fitting was not taken: %s", error)
        return NOT_TAKEN
    except RateLimited:
        return LIMITED
    except Downtime:
        return DOWN
    except RedisUnreachable as error:
        log.warning("a fitting could not be saved: %s", error)
        return REDIS_AWAY
    except EveError as error:
        log.warning("a fitting could not be saved: %s", error)
        return AWAY
    return Saved.DONE
