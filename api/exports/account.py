"""The download of all we hold of an account."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.caller import signed_in
from api.services import services_of
from db.accounts.export import account_things

EXPORT_PATH = "/settings/export"
LINES_AT_ONCE = 100


async def export(request: Request) -> Response:
    """GET /settings/export: NDJSON, a line for each thing, as it is read."""
    who = await signed_in(request)
    return StreamingResponse(
        _lines(request, who.account_id),
        media_type="application/x-ndjson",
        headers={
            "Content-Disposition": 'attachment; filename="killreport-account.ndjson"',
            "Cache-Control": "no-store",
        },
    )


async def _lines(request: Request, account_id: int) -> AsyncIterator[bytes]:
    waiting: list[bytes] = []
    async for thing in account_things(services_of(request).pool, account_id):
        waiting.append(orjson.dumps(thing, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
        if len(waiting) >= LINES_AT_ONCE:
            yield b"".join(waiting)
            waiting.clear()
    yield b"".join(waiting)
