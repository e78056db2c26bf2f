"""Tell every API process that who may see what has changed, so that its sockets follow suit at once."""

from __future__ import annotations

import logging

from api.services import Services
from redis_client import REDIS_IS_AWAY

log = logging.getLogger(__name__)


async def access_changed(services: Services, account_id: int) -> None:
    """A session or key ended, or the characters are others. Without Redis the sockets notice within half a minute."""
    try:
        await services.live.access_changed(account_id)
    except REDIS_IS_AWAY as error:
        log.warning("could not tell of a change of account %d (%s)", account_id, type(error).__name__)


async def boards_changed(services: Services) -> None:
    """Others may see a board now: anybody's sockets may concern it."""
    try:
        await services.live.boards_changed()
    except REDIS_IS_AWAY as error:
        log.warning("could not tell of a change of boards (%s)", type(error).__name__)
