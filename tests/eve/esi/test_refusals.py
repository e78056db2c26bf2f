"""What ESI's refusals of a killmail list mean: a role, a token, an outage of SSO, or nothing that is known."""

from __future__ import annotations

import orjson
import pytest
from aiohttp import web

from contracts.call_classes import CallClass
from eve.errors import (
    AccessTokenRejected,
    DoubtfulRefusal,
    EveError,
    Forbidden,
    RoleMissing,
    Unavailable,
)
from tests.eve.conftest import OpenEsi
from tests.eve.servers import CHARACTER_ID, Handler

TOKEN = "eyJhbGciOiJSUzI1NiJ9.the-access-token-of-a-pilot.signature"


def answering(status: int, body: object) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        text = body if isinstance(body, str) else orjson.dumps(body).decode()
        return web.Response(status=status, text=text, content_type="application/json")

    return handler


async def test_refusals_of_many_pilots_at_once_are_not_theirs(open_esi: OpenEsi) -> None:
    async with open_esi(answering(403, {"error": "no reason that anybody has seen before"})) as esi:
        refused = []
        for pilot in (1, 1, 1, 2, 3, 1, 4):
            with pytest.raises(EveError) as raised:
                await esi.character_killmails(CHARACTER_ID + pilot, TOKEN, {}, CallClass.LIVE)
            refused.append(type(raised.value))
    assert refused == [Forbidden] * 4 + [DoubtfulRefusal] * 3


async def test_a_role_that_is_lost_by_many_is_lost(open_esi: OpenEsi) -> None:
    async with open_esi(answering(403, {"error": "Character does not have required role(s)"})) as esi:
        for director in range(4):
            with pytest.raises(RoleMissing):
                await esi.corporation_killmails(98_000_001, CHARACTER_ID + director, TOKEN, {}, CallClass.LIVE)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": "Unauthorized - Invalid token"}, AccessTokenRejected),
        (403, {"error": "token is expired", "sso_status": 400}, AccessTokenRejected),
        (403, {"error": "token expiry is too far in the future", "sso_status": 200}, AccessTokenRejected),
        (403, {"error": "Character does not have required role(s)"}, RoleMissing),
        (403, {"error": f"token is not valid for scope: {TOKEN}", "sso_status": 200}, Forbidden),
        (403, {"error": "unexpected end of JSON input", "sso_status": 401}, DoubtfulRefusal),
        (403, {"error": "unexpected end of JSON input"}, DoubtfulRefusal),
        (403, {"error": "invalid character '<' looking for beginning of value"}, DoubtfulRefusal),
        (403, {"error": "SSO responded with a 503: <!DOCTYPE html><html></html>"}, DoubtfulRefusal),
        (403, "<html>Access denied</html>", DoubtfulRefusal),
        (404, "<html>Not found</html>", Unavailable),
    ],
)
async def test_refusals_are_told_apart(open_esi: OpenEsi, status: int, body: object, error: type[EveError]) -> None:
    async with open_esi(answering(status, body)) as esi:
        with pytest.raises(error) as raised:
            await esi.character_killmails(CHARACTER_ID, TOKEN, {}, CallClass.LIVE)
    assert type(raised.value) is error
    assert TOKEN not in str(raised.value)
    assert TOKEN not in repr(raised.value)
