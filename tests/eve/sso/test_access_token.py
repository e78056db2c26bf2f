import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from jose import jwt

from eve.decoding import entries
from eve.errors import UntrustedAccessToken
from eve.sso.access_token import VerifiedCharacter, verify
from eve.sso.documents import CCP_ISSUERS, SigningKey
from tests.eve.servers import CHARACTER_ID, CLIENT_ID
from tests.eve.sso.fake_sso import (
    EC_KEY,
    EC_KID,
    KEYS,
    KID,
    OTHER_KID,
    OTHER_RSA_KEY,
    RSA_KEY,
    STRANGERS_KEY,
    b64,
    claims,
    ec_jwk,
    jws,
    public_key,
    rsa_jwk,
    token,
)

NOW = int(time.time())
RS256 = {"alg": "RS256", "kid": KID, "typ": "JWT"}
ES256 = {"alg": "ES256", "kid": EC_KID, "typ": "JWT"}
STRANGERS_EC_KEY = ec.generate_private_key(ec.SECP256R1())
HS256 = {"alg": "HS256", "kid": KID, "typ": "JWT"}
JWK_OF_PUBLIC_KEY = orjson.dumps(rsa_jwk(RSA_KEY, KID))


async def check(presented: str, keys: list[dict[str, Any]] | None = None) -> VerifiedCharacter:
    async def find_key(kid: str, _: SigningKey | None) -> SigningKey | None:
        published = entries(orjson.dumps(keys or KEYS), SigningKey, "EVE SSO").good
        return next((key for key in published if key.kid == kid), None)

    return await verify(presented, find_key, CCP_ISSUERS, CLIENT_ID)


async def test_a_good_token_says_whose_it_is() -> None:
    character = await check(token())
    assert (character.character_id, character.name) == (CHARACTER_ID, "CCP Bartender")
    assert character.owner_hash == "8PmzCeTKb4VFUDrHLc/AeZXDSWM="
    assert character.scopes == {"esi-killmails.read_killmails.v1", "publicData"}
    assert timedelta(minutes=19) < character.expires_at - datetime.now(UTC) <= timedelta(minutes=20)
    assert character.owner_hash not in repr(character)


@pytest.mark.parametrize("issuer", CCP_ISSUERS)
async def test_every_spelling_of_the_issuer_is_known(issuer: str) -> None:
    assert (await check(token(iss=issuer))).character_id == CHARACTER_ID


@pytest.mark.parametrize(
    ("scp", "scopes"),
    [
        (None, set()),
        ("esi-killmails.read_killmails.v1", {"esi-killmails.read_killmails.v1"}),
        ([], set()),
        (["a", "b"], {"a", "b"}),
    ],
)
async def test_scopes_come_as_string_list_or_not_at_all(scp: object, scopes: set[str]) -> None:
    assert (await check(token(scp=scp))).scopes == scopes


async def test_a_token_signed_with_the_second_key_is_good() -> None:
    assert (await check(token(kid=OTHER_KID, key=OTHER_RSA_KEY))).character_id == CHARACTER_ID


async def test_a_token_signed_with_the_published_es256_key_is_good() -> None:
    assert (await check(jws(ES256, claims(), EC_KEY))).character_id == CHARACTER_ID


async def test_a_token_without_azp_for_our_audience_and_eves_is_good() -> None:
    assert (await check(token(azp=None))).character_id == CHARACTER_ID


DEEP = b'{"alg":' + b"[" * 4_000 + b"]" * 4_000 + b"}"
FORGERIES = {
    "alg none": jws({"alg": "none", "kid": KID}, claims(), None),
    "alg None": jws({"alg": "None", "kid": KID}, claims(), None),
    "RS256 named, nothing signed": jws(RS256, claims(), None),
    "HS256 with the PEM of the public key": jws(HS256, claims(), public_key(Encoding.PEM)),
    "HS256 with the DER of the public key": jws(HS256, claims(), public_key(Encoding.DER)),
    "HS256 with the JWK of the public key": jws(HS256, claims(), JWK_OF_PUBLIC_KEY),
    "HMAC with the PEM, RS256 named": jws(RS256, claims(), public_key(Encoding.PEM)),
    "HS256 without kid": jws({"alg": "HS256"}, claims(), public_key(Encoding.DER)),
    "ES256 named, RSA key": jws({"alg": "ES256", "kid": KID}, claims()),
    "ES256 named, RSA key's kid, EC key": jws({"alg": "ES256", "kid": KID}, claims(), EC_KEY),
    "ES256 named, HMAC with the PEM of the public key": jws(ES256, claims(), public_key(Encoding.PEM)),
    "ES256 named, nothing signed": jws(ES256, claims(), None),
    "ES256 with a stranger's key": jws(ES256, claims(), STRANGERS_EC_KEY),
    "ES256 under a kid nobody publishes": jws({**ES256, "kid": "8878a23f-holdout"}, claims(), EC_KEY),
    "ES256 without azp for another application": jws(ES256, claims(azp=None, aud=["other", "EVE Online"]), EC_KEY),
    "RS256 named, EC key": jws({"alg": "RS256", "kid": EC_KID}, claims(), EC_KEY),
    "PS256 named": jws({"alg": "PS256", "kid": KID}, claims()),
    "RS512 named": jws({"alg": "RS512", "kid": KID}, claims()),
    "no alg": jws({"kid": KID}, claims()),
    "a stranger's key": token(key=STRANGERS_KEY),
    "a stranger's key brought along": jws({**RS256, "jwk": rsa_jwk(STRANGERS_KEY, KID)}, claims(), STRANGERS_KEY),
    "a stranger's key by URL": jws({**RS256, "jku": "https://evil.example/jwks"}, claims(), STRANGERS_KEY),
    "a kid nobody publishes": token(kid="unheard-of"),
    "a kid that names another key": token(kid=OTHER_KID, key=RSA_KEY),
    "no kid": jws({"alg": "RS256"}, claims()),
    "a kid that is a list": jws({"alg": "RS256", "kid": [KID]}, claims()),
    "crit": jws({**RS256, "crit": ["b64"], "b64": False}, claims()),
    "a header nested without end": f"{b64(DEEP)}.{b64(orjson.dumps(claims()))}.{b64(b'x')}",
    "claims nested without end": jws(RS256, DEEP),
    "no aud": token(aud=None),
    "only EVE's audience": token(aud=["EVE Online"]),
    "only EVE's audience, as a string": token(aud="EVE Online"),
    "only our audience": token(aud=[CLIENT_ID]),
    "another application's audience": token(aud=["another-client", "EVE Online"]),
    "audiences in one string": token(aud=f"{CLIENT_ID} EVE Online"),
    "no azp, another application's audience": token(azp=None, aud=["another-client", "EVE Online"]),
    "no azp, only our audience": token(azp=None, aud=[CLIENT_ID]),
    "another azp": token(azp="another-client"),
    "no exp": token(exp=None),
    "expired": token(exp=NOW - 60),
    "exp a word": token(exp="tomorrow"),
    "exp a list": token(exp=[NOW + 600]),
    "exp beyond any calendar": token(exp=2**62),
    "not valid yet": token(nbf=NOW + 86_400),
    "no iss": token(iss=None),
    "another iss": token(iss="https://login.evil.example"),
    "iss a list": token(iss=["https://login.eveonline.com"]),
    "no owner": token(owner=None),
    "owner empty": token(owner=""),
    "owner a number": token(owner=7),
    "no name": token(name=None),
    "no sub": token(sub=None),
    "sub reversed": token(sub=f"EVE:CHARACTER:{CHARACTER_ID}"),
    "sub of a corporation": token(sub="CORPORATION:EVE:98000001"),
    "sub with more behind": token(sub=f"CHARACTER:EVE:{CHARACTER_ID}\n"),
    "sub with other digits": token(sub="CHARACTER:EVE:٣٤٥"),
    "sub zero": token(sub="CHARACTER:EVE:0"),
    "sub a number": token(sub=CHARACTER_ID),
    "scp a number": token(scp=7),
    "scp a list of numbers": token(scp=[7]),
    "claims are a list": jws(RS256, b"[]"),
    "claims are no JSON": jws(RS256, b"{"),
    "claims are not UTF-8": jws(RS256, b"\xff\xfe"),
    "header is a list": f"{b64(b'[]')}.{b64(b'{}')}.{b64(b'x')}",
    "garbage": "not.a.token",
    "two parts": token().rpartition(".")[0],
    "four parts": token() + ".more",
    "empty": "",
    "another's signature": token().rpartition(".")[0] + "." + token(name="Other").rpartition(".")[2],
    "claims changed": ".".join(
        [token().split(".")[0], b64(orjson.dumps(claims(sub="CHARACTER:EVE:1"))), token().split(".")[2]]
    ),
    "endless": token(name="x" * 20_000),
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_forged_tokens_are_not_trusted(name: str) -> None:
    with pytest.raises(UntrustedAccessToken) as refused:
        await check(FORGERIES[name])
    for part in (*FORGERIES[name].split("."), "8PmzCeTKb4VFUDrHLc"):
        assert len(part) < 12 or part not in f"{refused.value!s}{refused.value!r}{refused.value.__cause__!r}"


TRUSTED_BY_PYTHON_JOSE = {
    "HS256 with the DER of the public key": public_key(Encoding.DER),
    "no aud": {"keys": KEYS},
    "no exp": {"keys": KEYS},
    "no sub": {"keys": KEYS},
    "a kid that names another key": {"keys": KEYS},
}


@pytest.mark.parametrize("name", TRUSTED_BY_PYTHON_JOSE)
async def test_python_jose_left_to_itself_trusts_what_we_do_not(name: str) -> None:
    """The library as its documentation shows it; should it learn better one day, a guard of ours may go."""
    options = {"verify_at_hash": False}
    key: Any = TRUSTED_BY_PYTHON_JOSE[name]
    # `algorithms=None` is the default of the library's own checks.
    assert jwt.decode(FORGERIES[name], key, algorithms=None, audience="EVE Online", issuer=CCP_ISSUERS, options=options)
    with pytest.raises(UntrustedAccessToken):
        await check(FORGERIES[name])


@pytest.mark.parametrize(
    "key",
    [
        rsa_jwk(RSA_KEY, KID, use="enc"),
        rsa_jwk(RSA_KEY, KID, alg="RS512"),
        rsa_jwk(RSA_KEY, KID, alg="HS256"),
        rsa_jwk(RSA_KEY, KID, kty="oct", k=b64(b"secret")),
        {"kid": KID, "kty": "RSA", "n": 7, "e": "AQAB"},
        {"kid": KID, "kty": "RSA", "n": "****", "e": "AQAB"},
        {"kid": KID, "kty": "oct", "k": b64(b"secret"), "alg": "RS256"},
    ],
)
async def test_only_an_rsa_signing_key_is_used_for_rs256(key: dict[str, Any]) -> None:
    with pytest.raises(UntrustedAccessToken):
        await check(token(), [key])


@pytest.mark.parametrize(
    "key",
    [
        {**ec_jwk(), "use": "enc"},
        {**ec_jwk(), "alg": "RS256"},
        {**ec_jwk(), "crv": "P-384"},
        {**ec_jwk(), "crv": "secp256k1"},
        {**ec_jwk(), "x": ""},
        {**ec_jwk(), "y": "****"},
        rsa_jwk(RSA_KEY, EC_KID, alg="ES256"),
        rsa_jwk(RSA_KEY, EC_KID, kty="EC"),
    ],
)
async def test_only_a_p256_signing_key_is_used_for_es256(key: dict[str, Any]) -> None:
    with pytest.raises(UntrustedAccessToken):
        await check(jws(ES256, claims(), EC_KEY), [key])
