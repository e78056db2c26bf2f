"""The codec that Temporal's UI and CLI ask: operators get payloads readable, from the UI's page or with a key."""

from __future__ import annotations

import orjson
import pytest
from google.protobuf.json_format import MessageToJson
from temporalio.api.common.v1 import Payload, Payloads

from db.accounts.api_keys import create_api_key
from db.accounts.sessions import Scope
from db.accounts.vault import TokenVault
from settings import Settings
from temporal.payload_codec import ENCODING, EncryptedPayloads
from tests.api.running_site import Browser, Site, open_browser, serve, settings_for

OPERATOR, PILOT = 90000001, 90000002
UI = "https://temporal.killreport.example.org"
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'{"character_id":90000001}')


@pytest.fixture
def lone_settings(database_url: str, redis_url: str) -> Settings:
    wanted = {
        "temporal_ui_url": UI,
        "temporal_payloads": "encrypted",
        "admin_character_ids": frozenset({OPERATOR}),
    }
    return settings_for(database_url, redis_url).model_copy(update=wanted)


def body(*payloads: Payload) -> str:
    return MessageToJson(Payloads(payloads=payloads))


async def ask(browser: Browser, what: str, text: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    address = f"{browser.site.address}/temporal/codec/{what}"
    async with browser.http.post(address, data=text, headers={"Content-Type": "application/json", **headers}) as answer:
        return answer.status, dict(answer.headers), await answer.read()


async def test_an_operator_reads_what_was_encrypted(site: Site, browser: Browser, lone_settings: Settings) -> None:
    await browser.sign_in(await site.add_pilot(OPERATOR))
    status, headers, encrypted = await ask(browser, "encode", body(PLAIN), Origin=UI)
    assert status == 200
    assert (headers["Access-Control-Allow-Origin"], headers["Access-Control-Allow-Credentials"]) == (UI, "true")
    assert headers["Cache-Control"] == "no-store"
    assert b"90000001" not in encrypted
    status, _, decrypted = await ask(browser, "decode", encrypted.decode(), Origin=UI, **{"X-Namespace": "default"})
    assert (status, orjson.loads(decrypted)) == (200, orjson.loads(body(PLAIN)))
    status, _, unchanged = await ask(browser, "decode", body(PLAIN), Origin=UI)
    assert orjson.loads(unchanged) == orjson.loads(body(PLAIN)), "what was never encrypted"

    async with browser.http.options(
        f"{site.address}/temporal/codec/decode", headers={"Origin": UI, "Access-Control-Request-Method": "POST"}
    ) as preflight:
        assert preflight.status == 204
        assert "X-Namespace" in preflight.headers["Access-Control-Allow-Headers"]

    # Tokens are encrypted with keys of the same setting, and yet not with the same.
    token = TokenVault.from_settings(lone_settings).encrypt("a refresh token")
    status, _, said = await ask(browser, "decode", body(Payload(metadata={"encoding": ENCODING}, data=token)))
    assert status == 400
    assert b"cannot be decrypted" in said
    assert b"a refresh token" not in said
    assert (await ask(browser, "decode", "no payloads"))[0] == 400


async def test_nobody_else_does(site: Site, browser: Browser) -> None:
    status, _, _ = await ask(browser, "decode", body(PLAIN), Origin=UI)
    assert status == 401
    await browser.sign_in(await site.add_pilot(PILOT))
    status, headers, _ = await ask(browser, "decode", body(PLAIN), Origin=UI)
    assert status == 403
    await browser.sign_in(await site.add_pilot(OPERATOR))
    status, headers, _ = await ask(browser, "decode", body(PLAIN), Origin="https://elsewhere.example.org")
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers


async def test_an_operators_key_opens_it_for_the_command_line(site: Site) -> None:
    account = await site.add_pilot(OPERATOR)
    async with open_browser(site) as program:
        key = (await create_api_key(site.pool, account, "temporal", [Scope.READ])).secret
        status, _, answer = await ask(program, "decode", body(PLAIN), Authorization=f"Bearer {key}")
        assert (status, orjson.loads(answer)) == (200, orjson.loads(body(PLAIN)))
        assert (await ask(program, "decode", body(PLAIN), Authorization=f"Bearer {key[:-1]}"))[0] == 401


async def test_where_nothing_is_encrypted_there_is_nothing(database_url: str, redis_url: str) -> None:
    settings = settings_for(database_url, redis_url)
    assert EncryptedPayloads.from_settings(settings) is None
    async with serve(settings) as site, open_browser(site) as browser:
        assert (await ask(browser, "decode", body(PLAIN)))[0] == 404
