"""Access tokens and what SSO publishes and answers: nothing forged is believed, nothing odd is an error of ours."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from eve.decoding import entries
from eve.errors import EveError, UntrustedAccessToken
from eve.session import open_session
from eve.sso.access_token import VerifiedCharacter, verify
from eve.sso.client import Sso
from eve.sso.documents import CCP_ISSUERS, SigningKey
from tests.eve.servers import CHARACTER_ID, CLIENT_ID, serving, settings_for
from tests.eve.sso.fake_sso import (
    EC_KEY,
    EC_KID,
    KEYS,
    KID,
    RSA_KEY,
    STRANGERS_KEY,
    FakeSso,
    b64,
    claims,
    grant,
    jws,
    token,
)
from tests.fuzz.doors import door
from tests.fuzz.odd_json import damaged, mutated, values, written

ALGORITHMS = ("RS256", "ES256", "HS256", "none", "None", "PS256", "RS512", "ES384", "", None, ["RS256"], "rs256", "dir")
ODD_KEYS = damaged(mutated(st.just(KEYS)))
HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(ALGORITHMS), "kid": st.sampled_from([KID, EC_KID, "", None, [KID], "x" * 900, "../keys"])},
    optional={
        "typ": values.filter(lambda value: not isinstance(value, str)),
        "crit": st.just(["exp"]),
        "jwk": st.just({"kty": "oct", "k": "AA"}),
        "b64": st.just(False),
        "zip": st.just("DEF"),
        "x5c": st.just(["AA"]),
    },
)


async def believed(presented: str, published: bytes | None = None) -> VerifiedCharacter | None:
    """Whom the token speaks for; None: it is refused in the way that is agreed on."""

    async def find_key(kid: str, _: SigningKey | None) -> SigningKey | None:
        known = entries(published or orjson.dumps(KEYS), SigningKey, "EVE SSO").good
        return next((key for key in known if key.kid == kid), None)

    try:
        return await verify(presented, find_key, CCP_ISSUERS, CLIENT_ID)
    except UntrustedAccessToken as refused:
        assert_quiet(refused, presented)
    except EveError:
        assert published is not None
    return None


def assert_quiet(refused: Exception, presented: str) -> None:
    assert len(presented) < 20 or presented not in str(refused)


def _piece(value: Any) -> str:
    return b64(written(value).encode("utf-8", "surrogatepass"))


@door("forged access tokens", short=150)
@given(
    header=HEADERS,
    payload=st.one_of(st.just(claims()).map(written), mutated(st.just(claims())), values.map(written)),
    key=st.sampled_from([STRANGERS_KEY, None, b"", b"secret", orjson.dumps(KEYS[0])]),
)
async def test_nothing_that_eve_did_not_sign_is_believed(header: dict[str, Any], payload: str, key: Any) -> None:
    header = {name: value for name, value in header.items() if value is not None}
    forged = jws({**header, "typ": None}, payload.encode("utf-8", "surrogatepass"), key)
    assert await believed(forged) is None


GOOD = token()


@door("damaged access tokens", short=150)
@given(
    place=st.integers(0, len(GOOD) - 1),
    other=st.one_of(st.characters(), st.sampled_from(["", ".", "=", "A", "\0", "é", "A" * 20_000])),
)
@example(place=0, other="")
async def test_a_token_with_another_letter_is_not_believed(place: int, other: str) -> None:
    changed = GOOD[:place] + other + GOOD[place + 1 :]
    found = await believed(changed)
    # Base64 lets the last letter of a part carry spare bits, which change nothing that is signed or signs.
    spare = place in {i - 1 for i, letter in enumerate(GOOD + ".") if letter == "."}
    assert found is None or changed == GOOD or spare


@door("access tokens that EVE signed over odd claims", short=120)
@given(payload=mutated(st.just(claims())), curve=st.booleans())
async def test_odd_claims_are_refused_or_speak_for_the_character(payload: str, curve: bool) -> None:
    header = {"alg": "ES256", "kid": EC_KID} if curve else {"alg": "RS256", "kid": KID}
    found = await believed(jws(header, payload.encode("utf-8", "surrogatepass"), EC_KEY if curve else RSA_KEY))
    if found is not None:
        assert 0 < found.character_id < 10**18
        assert found.name
        assert found.owner_hash


@door("sets of keys", short=80)
@given(published=ODD_KEYS, curve=st.booleans(), stranger=st.booleans())
async def test_odd_keys_are_left_out(published: bytes, curve: bool, stranger: bool) -> None:
    header = {"alg": "ES256", "kid": EC_KID} if curve else {"alg": "RS256", "kid": KID}
    key = STRANGERS_KEY if stranger else EC_KEY if curve else RSA_KEY
    found = await believed(jws(header, claims(), key), published or b"[")
    assert found is None or (found.character_id == CHARACTER_ID and not stranger)


METADATA = dict.fromkeys(
    ("issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"),
    "https://login.eveonline.com/x",
)


class OddSso(FakeSso):
    """An SSO whose documents a test writes, byte for byte; None: as it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.odd: dict[str, bytes | None] = {}

    async def __call__(self, request: web.Request) -> web.Response:
        path = request.path.rpartition("/")[2]
        odd = self.odd.get(path)
        if odd is None:
            return await super().__call__(request)
        mended = odd.replace(b"https://login.eveonline.com/x", str(request.url.with_path("/eve/odd")).encode())
        return web.Response(body=mended, content_type="application/json")


@door("documents and token answers of EVE SSO", short=80)
@given(
    metadata=st.one_of(st.none(), st.none(), damaged(mutated(st.just(METADATA)))),
    keys=st.one_of(st.none(), st.none(), damaged(mutated(st.just({"keys": KEYS})))),
    answer=damaged(mutated(st.just(grant()))),
    login=st.booleans(),
)
async def test_whatever_sso_says_is_a_grant_or_an_error_that_is_expected(
    metadata: bytes | None, keys: bytes | None, answer: bytes, login: bool
) -> None:
    odd = OddSso()
    odd.odd = {"oauth-authorization-server": metadata, "jwks": keys, "token": answer, "odd": answer}
    async with serving(odd) as url, open_session(settings_for(url)) as session:
        sso = Sso(session, settings_for(url))
        try:
            if login:
                assert (await sso.exchange_code("code", "verifier")).character.character_id == CHARACTER_ID
            else:
                issued = await sso.refresh("refresh")
                assert issued.refresh_token != ""
                if issued.access_token is not None:
                    assert (await sso.verified(issued.access_token)).character_id == CHARACTER_ID
        except EveError as error:
            assert_quiet(error, answer.decode("utf-8", "replace"))
