"""Payloads made readable for Temporal's UI and CLI: the protocol of its "remote codec", for operators alone.

A browser asks from the page of TEMPORAL_UI_URL; its cookie comes along if that is on the site of ours (another host of
the same domain). The CLI asks with an operator's API key.
Source: Temporal's documentation, "Codec Server" (production deployment, data encryption).
"""

from __future__ import annotations

import orjson
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from starlette.requests import Request
from starlette.responses import Response
from temporalio.api.common.v1 import Payloads

from api.caller import BadCredentials, caller_by, credentials_of
from api.services import services_of
from api.serving.request_guard import comes_from_us, origin_of
from db.accounts.admin_actions import operator_among
from settings import Settings
from temporal.payload_codec import EncryptedPayloads, UnreadablePayload

ADDRESS = "/temporal/codec"


async def encode(request: Request) -> Response:
    """`POST /temporal/codec/encode`: what the UI sends for somebody."""
    return await _answer(request, encodes=True)


async def decode(request: Request) -> Response:
    """`POST /temporal/codec/decode`: what the UI shows."""
    return await _answer(request, encodes=False)


async def _answer(request: Request, *, encodes: bool) -> Response:
    settings = services_of(request).settings
    codec = EncryptedPayloads.from_settings(settings)
    if codec is None:
        return _said(request, 404, "TEMPORAL_PAYLOADS is plain: there is nothing to decode.")
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=_for_the_ui(request, settings))
    if (refused := await _refusal(request, settings)) is not None:
        return refused
    try:
        payloads = Parse(await request.body(), Payloads()).payloads
        done = await (codec.encode if encodes else codec.decode)(payloads)
    except (ParseError, UnicodeDecodeError):
        return _said(request, 400, "The body is no Payloads of Temporal's, in JSON.")
    except UnreadablePayload as error:
        return _said(request, 400, str(error))
    text = MessageToJson(Payloads(payloads=done))
    return Response(text, headers=_for_the_ui(request, settings), media_type="application/json")


async def _refusal(request: Request, settings: Settings) -> Response | None:
    """Why the caller gets nothing; None for an operator."""
    is_from_ui = request.headers.get("origin") == _ui(settings)
    if not is_from_ui and not comes_from_us(request.headers, settings.site_url, require_proof=False):
        return _said(request, 403, "Only Temporal's UI may ask from another site.")
    pool = services_of(request).pool
    try:
        who = await caller_by(credentials_of(request), pool)
    except BadCredentials as error:
        return _said(request, 401, str(error))
    if who is None:
        return _said(request, 401, "Log in to the site, or send an API key.")
    if not await operator_among(pool, who.account_id, settings.admin_character_ids):
        return _said(request, 403, "This is for the operators of this site.")
    return None


def _said(request: Request, status: int, message: str) -> Response:
    headers = _for_the_ui(request, services_of(request).settings)
    return Response(orjson.dumps({"message": message}), status, headers, media_type="application/json")


def _for_the_ui(request: Request, settings: Settings) -> dict[str, str]:
    """Whom browsers let read the answer (CORS)."""
    headers = {"Cache-Control": "no-store", "Vary": "Origin"}
    if request.headers.get("origin") == _ui(settings):
        headers |= {
            "Access-Control-Allow-Origin": _ui(settings),
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Namespace",
        }
    return headers


def _ui(settings: Settings) -> str:
    return origin_of(settings.temporal_ui_url) if settings.temporal_ui_url else "none"
