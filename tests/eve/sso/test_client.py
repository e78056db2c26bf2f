import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from eve.errors import (
    ClientRejected,
    EveError,
    MalformedBody,
    RateLimited,
    SsoLimited,
    SsoRefused,
    TokenRevoked,
    Unavailable,
    UntrustedAccessToken,
)
from eve.session import open_session
from eve.sso.access_token import VerifiedCharacter
from eve.sso.client import Sso
from eve.sso.pkce import code_challenge, new_code_verifier
from eve.sso.scopes import CORPORATION_KILLMAIL_SCOPE, KILLMAIL_SCOPE
from tests.eve.servers import CHARACTER_ID, CLIENT_ID, serving, settings_for
from tests.eve.sso.fake_sso import (
    KEYS,
    KID,
    OTHER_RSA_KEY,
    RSA_KEY,
    FakeSso,
    claims,
    grant,
    jws,
    rsa_jwk,
    token,
)  # fmt: skip

METADATA, KEYS_PATH, TOKEN = "/.well-known/oauth-authorization-server", "/oauth/jwks", "/v2/oauth/token"
OpenSso = Callable[..., AbstractAsyncContextManager[Sso]]


@pytest.fixture
def eve_sso() -> FakeSso:
    fake = FakeSso()
    fake.answer = grant()
    return fake


@pytest.fixture
def open_sso(eve_sso: FakeSso) -> OpenSso:
    @asynccontextmanager
    async def opened(secret: str = "") -> AsyncIterator[Sso]:
        async with serving(eve_sso) as url:
            settings = settings_for(url, secret=secret)
            async with open_session(settings) as session:
                yield Sso(session, settings)

    return opened


async def renewed(sso: Sso) -> VerifiedCharacter:
    """A refresh, and what its access token says."""
    return await sso.verified((await sso.refresh("the-old-one")).access_token or "")


async def test_the_authorize_url_carries_the_challenge_and_no_more(open_sso: OpenSso) -> None:
    verifier = new_code_verifier()
    async with open_sso(secret="client-secret") as sso:
        url = await sso.authorization_url(
            "state/+ &", code_challenge(verifier), [KILLMAIL_SCOPE, CORPORATION_KILLMAIL_SCOPE]
        )
    parts = urlsplit(url)
    assert parts.path == "/eve/v2/oauth/authorize"
    assert parse_qs(parts.query, strict_parsing=True) == {
        "response_type": ["code"],
        "client_id": [CLIENT_ID],
        "redirect_uri": ["https://killreport.example/auth/callback"],
        "scope": [f"{CORPORATION_KILLMAIL_SCOPE} {KILLMAIL_SCOPE}"],
        "state": ["state/+ &"],
        "code_challenge": [base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")],
        "code_challenge_method": ["S256"],
    }
    assert verifier not in url
    assert "client-secret" not in url


def test_verifiers_are_as_rfc_7636_wants_them() -> None:
    verifiers = {new_code_verifier() for _ in range(50)}
    assert len(verifiers) == 50
    assert all(43 <= len(v) <= 128 and v.replace("-", "a").replace("_", "a").isalnum() for v in verifiers)
    example = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(example) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B


async def test_a_public_client_sends_its_id_and_no_secret(open_sso: OpenSso, eve_sso: FakeSso) -> None:
    async with open_sso() as sso:
        got = await sso.exchange_code("the-code", "the-verifier")
    assert got.character.character_id == CHARACTER_ID
    assert got.refresh_token == "the-new-refresh-token"
    assert timedelta(seconds=1190) < got.expires_at - datetime.now(UTC) <= timedelta(seconds=1199)
    form = {"grant_type": "authorization_code", "code": "the-code", "code_verifier": "the-verifier"}
    assert eve_sso.asked[-1] == ("POST", TOKEN, {**form, "client_id": CLIENT_ID}, "")


async def test_a_client_with_a_secret_uses_basic_auth(open_sso: OpenSso, eve_sso: FakeSso) -> None:
    async with open_sso(secret="s3cret") as sso:
        await sso.exchange_code("the-code", "the-verifier")
    _, _, form, authorization = eve_sso.asked[-1]
    assert authorization == "Basic " + base64.b64encode(f"{CLIENT_ID}:s3cret".encode()).decode()
    assert "client_id" not in form
    assert "s3cret" not in str(form)


async def test_a_refresh_gives_the_token_to_keep(open_sso: OpenSso, eve_sso: FakeSso) -> None:
    async with open_sso() as sso:
        assert (await sso.refresh("the-old-one")).refresh_token == "the-new-refresh-token"
        eve_sso.answer = grant(refresh_token=None)
        assert (await sso.refresh("the-old-one")).refresh_token is None, "the old one stays"
    assert eve_sso.count(METADATA) == eve_sso.count(KEYS_PATH) == 1


async def test_a_login_without_refresh_token_is_refused(open_sso: OpenSso, eve_sso: FakeSso) -> None:
    eve_sso.answer = grant(refresh_token=None)
    async with open_sso() as sso:
        with pytest.raises(MalformedBody, match="no refresh token"):
            await sso.exchange_code("the-code", "the-verifier")


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (400, {"error": "invalid_grant", "error_description": "Invalid refresh token."}, TokenRevoked),
        (400, {"error": "invalid_grant: Token is expired or invalid."}, TokenRevoked),
        (400, {"error": "invalid_token"}, SsoRefused),
        (400, {"error": "temporarily_unavailable"}, SsoRefused),
        (401, {"error": "invalid_client"}, ClientRejected),
        (400, {"error": "unsupported_grant_type"}, SsoRefused),
        (400, {"error": "invalid_scope"}, SsoRefused),
        (400, {"error": "the-old-one-and-more-that-looks-like-a-token"}, SsoRefused),
        (400, {"error": 7}, SsoRefused),
        (400, [], SsoRefused),
        (500, {"error": "invalid_grant"}, Unavailable),
        (500, "Internal server error. Error ref: 7", Unavailable),
        (503, "<html>down for maintenance</html>", Unavailable),
        (403, "<html>blocked</html>", Unavailable),
        (429, {}, SsoLimited),
        (200, "<html>hotel</html>", Unavailable),
        (200, '{"access_token": "eyJ', Unavailable),
        (200, [], MalformedBody),
        (200, grant(refresh_token=7), MalformedBody),
        (200, {"error": "server_error"}, Unavailable),
    ],
)
async def test_only_one_word_of_the_sso_kills_a_grant(
    open_sso: OpenSso, eve_sso: FakeSso, status: int, answer: Any, error: type[EveError]
) -> None:
    eve_sso.status, eve_sso.answer = status, answer
    for arguments in (["the-old-one"], ["the-code", "the-verifier"]):
        async with open_sso(secret="s3cret") as sso:
            ask = sso.refresh if len(arguments) == 1 else sso.exchange_code
            with pytest.raises(error) as raised:
                await ask(*arguments)
        assert type(raised.value) is error
        shown = f"{raised.value!s}{raised.value!r}{raised.value.__cause__!r}"
        for secret in ("the-old-one", "the-code", "the-verifier", "s3cret", "the-new-refresh-token"):
            assert secret not in shown
    assert eve_sso.count(TOKEN) == 2  # a code is never sent twice


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, MalformedBody),
        (grant(access_token=7), MalformedBody),
        (grant(access_token="garbage"), UntrustedAccessToken),
        (grant(access_token=token(aud=["another-client", "EVE Online"])), UntrustedAccessToken),
    ],
)
async def test_a_refresh_gives_what_came_and_a_login_only_what_is_verified(
    open_sso: OpenSso, eve_sso: FakeSso, answer: dict[str, Any], error: type[EveError]
) -> None:
    eve_sso.answer = {"refresh_token": "the-new-refresh-token", **answer}
    async with open_sso() as sso:
        issued = await sso.refresh("the-old-one")
        assert issued.refresh_token == "the-new-refresh-token"
        if error is UntrustedAccessToken:
            with pytest.raises(error):
                await sso.verified(issued.access_token or "")
        with pytest.raises(error) as raised:
            await sso.exchange_code("the-code", "the-verifier")
    assert type(raised.value) is error


async def test_the_sso_may_ask_for_patience(open_sso: OpenSso, eve_sso: FakeSso) -> None:
    eve_sso.status, eve_sso.headers, eve_sso.answer = 429, {"Retry-After": "30"}, {}
    async with open_sso() as sso:
        with pytest.raises(RateLimited) as raised:
            await sso.refresh("the-old-one")
    assert timedelta(seconds=25) < raised.value.until - datetime.now(UTC) <= timedelta(seconds=30)


async def test_a_code_is_not_spent_while_its_answer_could_not_be_read(open_sso: OpenSso, eve_sso: FakeSso) -> None:
    eve_sso.down = True
    async with open_sso() as sso:
        with pytest.raises(Unavailable):
            await sso.exchange_code("the-code", "the-verifier")
    assert eve_sso.count(TOKEN) == 0


async def test_tokens_are_not_shown(open_sso: OpenSso) -> None:
    async with open_sso() as sso:
        got = await sso.exchange_code("the-code", "the-verifier")
        assert "the-new-refresh-token" not in repr(await sso.refresh("the-old-one"))
    assert got.access_token.count(".") == 2
    for secret in (got.access_token, got.refresh_token, got.character.owner_hash):
        assert secret
        assert secret not in f"{got!r}{got!s}"


@pytest.mark.parametrize("unmentioned", [set[str](), {"revocation_endpoint"}])
async def test_revoking_gives_the_refresh_token_back(
    open_sso: OpenSso, eve_sso: FakeSso, unmentioned: set[str]
) -> None:
    eve_sso.unmentioned = unmentioned
    eve_sso.answer = ""
    async with open_sso() as sso:
        await sso.revoke("the-old-one")
        form = {"token": "the-old-one", "token_type_hint": "refresh_token", "client_id": CLIENT_ID}
        assert eve_sso.asked[-1] == ("POST", "/v2/oauth/revoke", form, "")
        eve_sso.status = 503
        with pytest.raises(Unavailable):
            await sso.revoke("the-old-one")


@pytest.mark.parametrize("issuer", ["https://sso.example/eve", "https://sso.example/eve/"])
async def test_the_metadatas_issuer_is_trusted_in_its_spellings(
    open_sso: OpenSso, eve_sso: FakeSso, issuer: str
) -> None:
    eve_sso.issuer = issuer
    async with open_sso() as sso:
        for spelling in ("https://sso.example/eve", "https://sso.example/eve/", "sso.example"):
            eve_sso.answer = grant(access_token=token(iss=spelling))
            assert (await renewed(sso)).character_id == CHARACTER_ID


async def test_an_unknown_key_is_looked_for_once_a_minute_at_most(open_sso: OpenSso, eve_sso: FakeSso) -> None:
    clock = [1000.0]
    async with open_sso() as sso:
        sso._documents._keys._clock = lambda: clock[0]
        await renewed(sso)
        clock[0] += 61
        eve_sso.answer = grant(access_token=token(kid="forged"))
        outcomes = await asyncio.gather(*(renewed(sso) for _ in range(20)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {UntrustedAccessToken}
        assert eve_sso.count(KEYS_PATH) == 2
        clock[0] += 61
        eve_sso.keys = [*KEYS, rsa_jwk(RSA_KEY, "rolled-over")]
        eve_sso.answer = grant(access_token=jws({"alg": "RS256", "kid": "rolled-over"}, claims()))
        assert (await renewed(sso)).character_id == CHARACTER_ID
    assert eve_sso.count(KEYS_PATH) == 3


async def test_a_key_that_was_replaced_and_kept_its_id_is_noticed(open_sso: OpenSso, eve_sso: FakeSso) -> None:
    clock = [1000.0]
    async with open_sso() as sso:
        sso._documents._keys._clock = lambda: clock[0]
        await renewed(sso)
        clock[0] += 61
        eve_sso.answer = grant(access_token=token(key=OTHER_RSA_KEY))
        outcomes = await asyncio.gather(*(renewed(sso) for _ in range(20)), return_exceptions=True)
        assert all(isinstance(outcome, UntrustedAccessToken) for outcome in outcomes)
        assert eve_sso.count(KEYS_PATH) == 2, "twenty forgeries cost one look at the keys"
        clock[0] += 61
        eve_sso.keys = [rsa_jwk(OTHER_RSA_KEY, KID)]
        assert (await renewed(sso)).character_id == CHARACTER_ID
        assert (await renewed(sso)).character_id == CHARACTER_ID
    assert eve_sso.count(KEYS_PATH) == 3


@pytest.mark.parametrize(
    "said", ["", "yesterday", "Sun, 06 Nov 99999999999999999999 08:49:37 GMT", "Sun, 06 Nov 9999 08:49:37"]
)
async def test_a_date_that_is_none_costs_nobody_what_sso_has_given(
    open_sso: OpenSso, eve_sso: FakeSso, said: str
) -> None:
    eve_sso.headers = {"Date": said}
    async with open_sso() as sso:
        assert (await sso.refresh("the-old-one")).refresh_token == "the-new-refresh-token"


async def test_two_keys_of_one_name_are_not_chosen_between(open_sso: OpenSso, eve_sso: FakeSso) -> None:
    eve_sso.keys = [*KEYS, KEYS[0]]
    async with open_sso() as sso:
        with pytest.raises(UntrustedAccessToken):
            await renewed(sso)
