"""Names that are still missing when somebody looks: asked for again, as soon as it is time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson

from api.orders.requests import PATIENCE_SECONDS
from api.services import Services
from db.failures import DATABASE_FAILURES
from db.universe.names import unknown_entity_ids
from temporal.connection import TEMPORAL_IS_AWAY
from temporal.universe import name_killmail

log = logging.getLogger(__name__)


def lacks_a_name(shown: Any) -> bool:
    """Whether something in this killmail, as a page shows it, is known by its id alone."""
    # Nearly always all is known, and that is told by the text in a tenth of the time.
    with contextlib.suppress(orjson.JSONEncodeError):  # containers within containers, deeper than it writes
        if b'"name":null' not in orjson.dumps(shown):
            return False
    return any("id" in part and part.get("name", "") is None for part in _parts(shown))


async def name_again(services: Services, killmail_id: int) -> None:
    """Have the killmail's missing names asked for, if ESI has not denied them just now. To be run behind an answer."""
    try:
        if await unknown_entity_ids(services.pool, [killmail_id]):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await name_killmail(services.temporal, killmail_id, timedelta())
    except (*TEMPORAL_IS_AWAY, *DATABASE_FAILURES) as error:
        log.warning("the names of killmail %d could not be asked for: %s", killmail_id, error or "no answer")


def _parts(shown: Any) -> Iterator[dict[str, Any]]:
    if isinstance(shown, dict):
        yield shown
    for part in shown.values() if isinstance(shown, dict) else shown if isinstance(shown, list) else ():
        yield from _parts(part)
