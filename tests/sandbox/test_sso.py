"""SSO as EVE's developers document it: consent, PKCE, codes that work once, rotation, revocation, keys."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp
import pytest
from jose import jwt

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from tests.sandbox.caller import CALLBACK, CORPORATION_SCOPE, KILLMAIL_SCOPE, Caller


def claims_of(token: str) -> dict[str, Any]:
    return jwt.get_unverified_claims(token)


async def test_the_metadata_names_every_endpoint_and_the_issuer(caller: Caller) -> None:
    metadata = (await caller.get("/.well-known/oauth-authorization-server")).json
    assert metadata["issuer"] == caller.eve.url
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    for endpoint in ("authorization", "token", "revocation"):
        assert metadata[f"{endpoint}_endpoint"].startswith(f"{caller.eve.url}/v2/oauth/")
    assert (await caller.get(metadata["jwks_uri"].removeprefix(caller.eve.url))).status == 200


async def test_the_authorize_page_has_a_button_for_every_pilot_and_one_to_deny(caller: Caller) -> None:
    page = await caller.get("/v2/oauth/authorize", params=caller.authorization(KILLMAIL_SCOPE))
    assert page.status == 200
    for pilot in caller.eve.pilots:
        assert f'name="character_id" value="{pilot.character_id}"' in page.text
    assert KILLMAIL_SCOPE in page.text
    denied = await caller.post("/v2/oauth/authorize", data={**caller.authorization(), "deny": "1"})
    assert denied.headers["Location"] == f"{CALLBACK}?error=access_denied&state=a-state"


async def test_a_login_gives_a_token_that_its_published_key_verifies(caller: Caller) -> None:
    pilot = caller.eve.pilots[0]
    tokens = await caller.log_in(pilot.character_id, KILLMAIL_SCOPE, CORPORATION_SCOPE)
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] in (1199, 1200)
    keys = (await caller.get("/oauth/jwks")).json["keys"]
    assert [(key["alg"], key["kty"]) for key in keys] == [("RS256", "RSA"), ("ES256", "EC")]
    header = jwt.get_unverified_header(tokens["access_token"])
    key = next(key for key in keys if key["kid"] == header["kid"])
    assert (header["alg"], header["kid"]) == ("RS256", "JWT-Signature-Key")
    claims = jwt.decode(tokens["access_token"], key, algorithms=["RS256"], audience="EVE Online", issuer=caller.eve.url)
    assert claims["sub"] == f"CHARACTER:EVE:{pilot.character_id}"
    assert claims["aud"] == [caller.client_id, "EVE Online"]
    assert claims["azp"] == caller.client_id
    assert claims["name"] == pilot.name
    assert claims["owner"] == pilot.owner_hash
    assert claims["exp"] - claims["iat"] == 1200


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ((), None),
        ((KILLMAIL_SCOPE,), KILLMAIL_SCOPE),
        ((KILLMAIL_SCOPE, CORPORATION_SCOPE), [KILLMAIL_SCOPE, CORPORATION_SCOPE]),
    ],
)
async def test_scp_is_absent_a_string_or_a_list(caller: Caller, scopes: tuple[str, ...], expected: Any) -> None:
    tokens = await caller.log_in(caller.eve.pilots[0].character_id, *scopes)
    assert claims_of(tokens["access_token"]).get("scp") == expected
    assert bool(tokens["refresh_token"]) == bool(scopes)


async def test_a_code_works_once_and_for_five_minutes(caller: Caller) -> None:
    pilot = caller.eve.pilots[0].character_id
    code = await caller.code(pilot, KILLMAIL_SCOPE)
    assert (await caller.exchange(code)).status == 200
    again = await caller.exchange(code)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    late = await caller.code(pilot, KILLMAIL_SCOPE)
    caller.eve.advance(301)
    assert (await caller.exchange(late)).json["error"] == "invalid_grant"


async def test_the_verifier_must_match_the_challenge(caller: Caller) -> None:
    code = await caller.code(caller.eve.pilots[0].character_id, KILLMAIL_SCOPE)
    assert (await caller.exchange(code, code_verifier="another")).json["error"] == "invalid_grant"
    assert (await caller.exchange(code)).json["error"] == "invalid_grant", "a failed exchange uses the code up"


async def test_without_pkce_an_application_needs_its_secret(caller: Caller) -> None:
    pilot = caller.eve.pilots[0].character_id
    plain = {"code_challenge": "", "code_challenge_method": ""}
    public = await caller.exchange(await caller.code(pilot, KILLMAIL_SCOPE, **plain))
    assert (public.status, public.json) == (401, {"error": "invalid_client"})
    basic = base64.b64encode(f"{caller.client_id}:secret".encode()).decode()
    form = {"grant_type": "authorization_code", "code": await caller.code(pilot, KILLMAIL_SCOPE, **plain)}
    confidential = await caller.post("/v2/oauth/token", data=form, headers={"Authorization": f"Basic {basic}"})
    assert confidential.status == 200


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"redirect_uri": ""}, "invalid_request"),
    ],
)
async def test_a_wrong_authorization_request_is_refused(caller: Caller, wrong: dict[str, str], error: str) -> None:
    answer = await caller.get("/v2/oauth/authorize", params=caller.authorization(**wrong))
    assert (answer.status, answer.json["error"]) == (400, error)


async def test_a_refresh_rotates_and_the_old_token_dies_with_its_successors_use(caller: Caller) -> None:
    first = (await caller.log_in(caller.eve.pilots[0].character_id, KILLMAIL_SCOPE))["refresh_token"]
    second = (await caller.refresh(first)).json["refresh_token"]
    assert second != first
    lost = (await caller.refresh(first)).json["refresh_token"]  # as after a crash before `second` was stored
    assert (await caller.refresh(lost)).status == 200
    assert (await caller.refresh(first)).status == 400


async def test_a_refused_refresh_is_worded_in_both_ways(caller: Caller) -> None:
    answers = [(await caller.refresh("bogus")) for _ in range(2)]
    assert [answer.status for answer in answers] == [400, 400]
    assert {answer.json["error"] for answer in answers} == {
        "invalid_grant",
        "invalid_grant: Token is expired or invalid.",
    }


async def test_a_revoked_grant_is_dead_and_revoking_always_answers_200(caller: Caller) -> None:
    pilot = caller.eve.pilots[0].character_id
    refresh_token = (await caller.log_in(pilot, KILLMAIL_SCOPE))["refresh_token"]
    assert (await caller.post("/v2/oauth/revoke", data={"token": "bogus"})).status == 200
    assert (await caller.refresh(refresh_token)).status == 200
    newest = (await caller.refresh(refresh_token)).json["refresh_token"]
    assert (await caller.post("/v2/oauth/revoke", data={"token": newest})).status == 200
    assert (await caller.refresh(newest)).status == 400
    another = (await caller.log_in(pilot, KILLMAIL_SCOPE))["refresh_token"]
    await caller.post(f"/_sandbox/pilots/{pilot}/revoke")
    assert (await caller.refresh(another)).status == 400


async def test_a_transfer_changes_the_owner_hash_of_the_next_token(caller: Caller) -> None:
    pilot = caller.eve.pilots[0].character_id
    tokens = await caller.log_in(pilot, KILLMAIL_SCOPE)
    await caller.post(f"/_sandbox/pilots/{pilot}/transfer")
    refreshed = (await caller.refresh(tokens["refresh_token"])).json
    assert claims_of(refreshed["access_token"])["owner"] != claims_of(tokens["access_token"])["owner"]


async def test_another_application_cannot_refresh(caller: Caller) -> None:
    refresh_token = (await caller.log_in(caller.eve.pilots[0].character_id, KILLMAIL_SCOPE))["refresh_token"]
    assert (await caller.refresh(refresh_token, client_id="another")).status == 400
    assert (await caller.refresh(refresh_token, scope=CORPORATION_SCOPE)).json["error"] == "invalid_scope"


async def test_a_key_rotation_signs_under_a_new_kid(caller: Caller) -> None:
    kid = (await caller.post("/_sandbox/rotate-keys")).json["kid"]
    tokens = await caller.log_in(caller.eve.pilots[0].character_id, KILLMAIL_SCOPE)
    assert jwt.get_unverified_header(tokens["access_token"])["kid"] == kid
    assert kid in [key["kid"] for key in (await caller.get("/oauth/jwks")).json["keys"]]


async def test_known_applications_and_their_secret_are_checked_when_named() -> None:
    options = SandboxOptions(client_ids=("known",), client_secret="right", strict_rotation=True)
    async with SandboxEve(options) as eve, aiohttp.ClientSession() as session:
        stranger = Caller(eve, session, client_id="unknown")
        page = await stranger.get("/v2/oauth/authorize", params=stranger.authorization())
        assert page.json["error"] == "invalid_client"
        known = Caller(eve, session, client_id="known")
        code = await known.code(eve.pilots[0].character_id, KILLMAIL_SCOPE)
        wrong = await known.exchange(code, client_secret="wrong")
        assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")
        first = (await known.exchange(code, client_secret="right")).json["refresh_token"]
        assert (await known.refresh(first)).status == 200
        assert (await known.refresh(first)).status == 400, "strict rotation kills a token with its use"
