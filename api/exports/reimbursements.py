"""Claims of ship replacement as CSV, a page at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC

from api.exports.lines import cell
from db.reimbursements.lists import Claim

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
COLUMNS = (
    *("killmail_id", "time", "pilot_id", "pilot", "corporation_id", "corporation", "ship_type_id", "ship", "value"),
    *("state", "claimed_at", "changed_at", "changed_by_id", "changed_by", "note"),
)


async def claims_as_csv(pages: AsyncIterator[list[Claim]]) -> AsyncIterator[bytes]:
    """RFC 4180, one line for each claim: where it stands, and who said so last."""
    yield _lines([COLUMNS])
    async for page in pages:
        yield _lines([tuple(map(cell, _values(one))) for one in page])


def _values(claim: Claim) -> Iterator[object]:
    first, last = claim.history[0], claim.history[-1]
    yield from (claim.killmail_id, f"{claim.killmail_time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    yield from (claim.character_id, claim.character_name, claim.corporation_id, claim.corporation_name)
    yield from (claim.ship_id, claim.ship_name, "" if claim.value is None else f"{claim.value:.2f}", str(claim.state))
    yield from (f"{one.changed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for one in (first, last))
    yield from (last.by_character_id, last.by_name, last.note)


def _lines(rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
