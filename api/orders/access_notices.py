"""Tell every API process that who may see what of an account has changed, so that its sockets follow suit at once."""

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
